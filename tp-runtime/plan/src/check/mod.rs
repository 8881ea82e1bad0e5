//! Checks of a plan against its model's tree, run by rustc.
//!
//! `tp_plan!` writes one `const _: () = …` per row, on that row's tokens; each calls one of the
//! functions here with the plan and the row's index. A fault is a panic, which rustc prints there.

// A message is a buffer: a `const fn` has no box to put it in.
#![allow(clippy::result_large_err)]

mod base;
mod coverage;
mod faults;
mod flow;
mod not_found;
mod overlap;
mod row;
mod shards;
mod sound;
mod style;
mod walk;

pub use faults::faults;
pub use flow::{Conflict, Flow};
pub use overlap::apart;
pub use shards::{DivisionError, divide};
use walk::find;
pub use walk::{Target, has_place, walk};

/// What the expansions of the macros name.
#[doc(hidden)]
pub use {
    base::base,
    coverage::covered,
    flow::Location,
    row::{Named, include, named, row},
    shards::shards,
    style::fits,
};

use super::{ModuleKind, Node, Plan, Row, Text};

/// The kind of layer that the row names, if it names one, or the message if it has to.
///
/// An optional row may name a layer that the type does not have, such as the fused variant of its
/// projections; the struct it would stand in has to be there.
const fn layer(model: &'static Node, row: &Row) -> Result<Option<ModuleKind>, Text> {
    let pattern = row.pattern;
    match find(model, pattern) {
        Ok(Target::Layer(child)) => Ok(Some(child.node.kind)),
        Ok(_) if row.is_replicated() => Ok(None),
        Ok(Target::Container(node)) => Err(not_found::names_container(pattern, node)),
        Ok(Target::List(node)) => Err(not_found::names_list(pattern, node)),
        Err(_) if row.optional && walk::has_place(model, pattern) => Ok(None),
        Err(not_found) => Err(not_found.message(model, pattern)),
    }
}

/// The message if the module at `prefix` is not of the type `included` was written for.
const fn check_target(model: &'static Node, prefix: &str, included: &Plan) -> Result<(), Text> {
    let node = match walk(model, prefix) {
        Ok(Target::Layer(child)) => child.node,
        Ok(Target::Container(node)) => node,
        Ok(Target::List(node)) => return Err(not_found::names_list(prefix, node)),
        Err(message) => return Err(message),
    };
    if super::pattern::same(node.type_path, included.node.type_path) {
        return Ok(());
    }
    Err(Text::of(&[
        "\"",
        prefix,
        "\" is a ",
        node.type_name,
        ", and `",
        included.name,
        "` is a plan for ",
        included.node.type_name,
        ": include a plan for ",
        node.type_name,
    ]))
}

#[cfg(test)]
mod tests;
