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
mod lost;
mod overlap;
mod shards;
mod sound;
mod style;
mod walk;

pub use base::base;
pub use coverage::covered;
pub use faults::faults;
pub use flow::{Fault, Flow, Line};
pub use overlap::apart;
pub use shards::{Problem, divide, shards};
pub use style::fits;
use walk::find;
pub use walk::{Found, has_place, walk};

use super::{Item, ModuleKind, Node, Plan, Row, Text};

/// A row and what it names.
pub struct Named<'a> {
    row: &'a Row,
    /// `None` where there is no such layer, or an optional row names that of another variant.
    kind: Option<ModuleKind>,
}

/// Panics unless the row at `index` names layers of the model, and no other row names the same.
#[track_caller]
pub const fn row(plan: &Plan, index: usize) -> Named<'_> {
    let Item::Row(row) = &plan.items[index] else {
        unreachable!() // the macro counts rows and includes as it writes them
    };
    let kind = match layer(plan.node, row) {
        Ok(kind) => kind,
        Err(message) => panic!("{}", message.as_str()),
    };
    if let Err(message) = base::changes(plan, row) {
        panic!("{}", message.as_str());
    }
    if let Err(message) = apart(plan, index) {
        panic!("{}", message.as_str());
    }
    Named { row, kind }
}

/// The row at `index`, which is checked elsewhere.
pub const fn named(plan: &Plan, index: usize) -> Named<'_> {
    let Item::Row(row) = &plan.items[index] else {
        unreachable!() // the macro counts rows and includes as it writes them
    };
    let kind = match layer(plan.node, row) {
        Ok(kind) => kind,
        Err(_) => None,
    };
    Named { row, kind }
}

/// Panics unless the plan included at `index` was written for the module it is included at, and
/// its rows name none that another row names.
#[track_caller]
pub const fn include(plan: &Plan, index: usize) {
    let Item::Include {
        prefix,
        plan: included,
    } = &plan.items[index]
    else {
        unreachable!() // the macro counts rows and includes as it writes them
    };
    if let Err(message) = target(plan.node, prefix, included) {
        panic!("{}", message.as_str());
    }
    if let Err(message) = apart(plan, index) {
        panic!("{}", message.as_str());
    }
}

/// The kind of layer that the row names, if it names one, or the message if it has to.
///
/// An optional row may name a layer that the type does not have, such as the fused variant of its
/// projections; the struct it would stand in has to be there.
const fn layer(model: &'static Node, row: &Row) -> Result<Option<ModuleKind>, Text> {
    let pattern = row.pattern;
    match find(model, pattern) {
        Ok(Found::Layer(child)) => Ok(Some(child.node.kind)),
        Ok(_) if row.is_replicated() => Ok(None),
        Ok(Found::Container(node)) => Err(lost::names_container(pattern, node)),
        Ok(Found::List(node)) => Err(lost::names_list(pattern, node)),
        Err(_) if row.optional && walk::has_place(model, pattern) => Ok(None),
        Err(lost) => Err(lost.message(model, pattern)),
    }
}

/// The message if the module at `prefix` is not of the type `included` was written for.
const fn target(model: &'static Node, prefix: &str, included: &Plan) -> Result<(), Text> {
    let node = match walk(model, prefix) {
        Ok(Found::Layer(child)) => child.node,
        Ok(Found::Container(node)) => node,
        Ok(Found::List(node)) => return Err(lost::names_list(prefix, node)),
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
