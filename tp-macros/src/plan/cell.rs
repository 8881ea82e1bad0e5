//! Second stage, inside a row: a known style with layouts it can take and give.

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit};

use super::parse::{RawArgument, RawCell, RawStyle};
use super::{placement, segments};
use crate::fault::Fault;
use crate::report::Report;
use tp_plan::nearest::nearest;
use tp_plan::python::table_name;
use tp_plan::{Argument, Placement, SEQUENCE, StyleKind};

/// A legal style.
#[derive(Clone)]
pub(super) struct Style {
    pub(super) kind: StyleKind,
    pub(super) span: Span,
    pub(super) arguments: Vec<Given>,
}

/// A legal argument, and where it was written.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) argument: Argument,
    pub(super) value: Value,
    pub(super) name_span: Span,
    pub(super) value_span: Span,
}

/// The value of an argument.
#[derive(Clone)]
pub(super) enum Value {
    Placement(Placement),
    Flag(bool),
    Names(Vec<String>),
}

/// Which column a cell stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Left of the `|`, or the only one.
    TensorParallel,
    /// Right of the `|`.
    SequenceParallel,
}

/// The cell's style without what is wrong with it; `None` for `_` and for an unknown style.
pub(super) fn check(cell: &RawCell, column: Column, report: &mut Report) -> Option<Style> {
    match cell {
        RawCell::Replicated => None,
        RawCell::Style(raw) => style(raw, column, report),
    }
}

fn style(raw: &RawStyle, column: Column, report: &mut Report) -> Option<Style> {
    let found = raw.name.to_string();
    let Some(kind) = StyleKind::named(&found) else {
        let known = StyleKind::ALL.map(StyleKind::name).to_vec();
        report.at(
            &raw.name,
            Fault::Style {
                near: meant(&found, &known),
                found,
                known,
            },
        );
        return None;
    };
    if column == Column::TensorParallel && kind.splits_the_sequence() {
        report.at(&raw.name, Fault::StyleColumn { style: kind.name() });
    }
    let mut arguments: Vec<Given> = Vec::new();
    for raw in &raw.arguments {
        let Some(argument) = argument(&raw.name, kind, report) else {
            continue;
        };
        if arguments.iter().any(|other| other.argument == argument) {
            report.at(
                &raw.name,
                Fault::ArgumentTwice {
                    argument: argument.name(),
                },
            );
            continue;
        }
        match value(raw, argument, kind, column) {
            Ok(value) => arguments.push(Given {
                argument,
                value,
                name_span: raw.name.span(),
                value_span: raw.value.span(),
            }),
            Err(fault) => report.at(&raw.value, fault),
        }
    }
    check_output(raw, &arguments, report);
    // `local` last: what `output` implies for it is a default, not an override.
    arguments.sort_by_key(|given| given.argument);
    Some(Style {
        kind,
        span: raw.name.span(),
        arguments,
    })
}

fn argument(name: &Ident, kind: StyleKind, report: &mut Report) -> Option<Argument> {
    let found = name.to_string();
    let takes: Vec<&str> = kind.arguments().map(Argument::name).collect();
    match Argument::ALL
        .into_iter()
        .find(|argument| argument.name() == found)
    {
        Some(argument) if takes.contains(&argument.name()) => return Some(argument),
        Some(_) => {
            report.at(
                name,
                Fault::ArgumentNotTaken {
                    found,
                    style: kind.name(),
                    takes,
                },
            );
        }
        None => {
            let near = meant(&found, &takes);
            report.at(
                name,
                Fault::Argument {
                    found,
                    near,
                    style: kind.name(),
                    takes,
                },
            );
        }
    }
    None
}

fn value(
    raw: &RawArgument,
    argument: Argument,
    kind: StyleKind,
    column: Column,
) -> Result<Value, Fault> {
    match argument {
        Argument::Local => flag(&raw.value, argument).map(Value::Flag),
        Argument::Segments => segments::parse(&raw.value).map(Value::Names),
        Argument::Input | Argument::Output | Argument::Sequence => {
            placement(&raw.value, argument, kind, column).map(Value::Placement)
        }
    }
}

fn flag(value: &Expr, argument: Argument) -> Result<bool, Fault> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Bool(flag),
            ..
        }) => Ok(flag.value),
        _ => Err(Fault::FlagValue {
            argument: argument.name(),
        }),
    }
}

fn placement(
    value: &Expr,
    argument: Argument,
    kind: StyleKind,
    column: Column,
) -> Result<Placement, Fault> {
    let placement = placement::parse(value, argument)?;
    let legal = kind.layouts(argument);
    if !legal.contains(&placement) {
        let legal = legal
            .iter()
            .map(|legal| format!("{}: {legal}", argument.name()))
            .collect();
        let found = format!("{}: {placement}", argument.name());
        return Err(Fault::IllegalLayout {
            style: kind.name(),
            found,
            legal,
        });
    }
    if placement == SEQUENCE && column == Column::TensorParallel && !kind.splits_the_sequence() {
        return Err(Fault::LayoutColumn {
            style: kind.name(),
            argument: argument.name(),
        });
    }
    Ok(placement)
}

/// Parts that ranks hold by another rule than torch's chunks stay where they are.
fn check_output(raw: &RawStyle, arguments: &[Given], report: &mut Report) {
    let is = |wanted: Argument| move |given: &&Given| given.argument == wanted;
    let output = arguments.iter().find(is(Argument::Output));
    let whole =
        output.is_some_and(|given| matches!(given.value, Value::Placement(Placement::Replicate)));
    let parts = arguments.iter().find(is(Argument::Segments));
    let written = raw.arguments.iter().find(|raw| raw.name == "output");
    if let (Some(parts), true, Some(written)) = (parts, whole, written) {
        let argument = parts.argument.name();
        report.at(&written.value, Fault::OutputOfParts { argument });
    }
}

/// What an unknown word most likely meant, Python's names included.
fn meant(found: &str, known: &[&'static str]) -> Option<&'static str> {
    table_name(found)
        .filter(|name| known.contains(name))
        .or_else(|| nearest(found, known.iter().copied()))
}
