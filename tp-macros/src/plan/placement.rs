//! Second stage, inside an argument: a placement with a dimension.

use proc_macro2::Ident;
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use crate::fault::Fault;
use tp_plan::nearest::nearest;
use tp_plan::{Argument, Placement};

/// The placements a person may write.
const PLACEMENTS: [&str; 3] = ["Replicate", "Shard", "Partial"];

/// The placement an expression writes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(value: &Expr, argument: Argument) -> Result<Placement, Fault> {
    match value {
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) if name == "Shard" => Err(Fault::ShardDimension),
            Some(name) => named(name),
            None => Err(Fault::PlacementValue {
                argument: argument.name(),
            }),
        },
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.path.is_ident("Shard") => {
                let mut dimensions = call.args.iter();
                match (dimensions.next().and_then(integer), dimensions.next()) {
                    (Some(dimension), None) => Ok(Placement::Shard(dimension)),
                    _ => Err(Fault::ShardDimension),
                }
            }
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) => Err(unknown(name)),
                None => Err(Fault::PlacementValue {
                    argument: argument.name(),
                }),
            },
            _ => Err(Fault::PlacementValue {
                argument: argument.name(),
            }),
        },
        _ => Err(Fault::PlacementValue {
            argument: argument.name(),
        }),
    }
}

fn named(name: &Ident) -> Result<Placement, Fault> {
    if name == "Replicate" {
        Ok(Placement::Replicate)
    } else if name == "Partial" {
        Ok(Placement::Partial)
    } else {
        Err(unknown(name))
    }
}

fn unknown(name: &Ident) -> Fault {
    let found = name.to_string();
    Fault::Placement {
        near: nearest(&found, PLACEMENTS),
        found,
    }
}

fn integer(value: &Expr) -> Option<i64> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Int(digits),
            ..
        }) => digits.base10_parse().ok(),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => integer(expr).map(|value| -value),
        _ => None,
    }
}
