//! The checks of one line of a table, which the macro writes on that line's tokens.

use super::{apart, base, check_target, layer};
use crate::{Item, ModuleKind, Plan, Row};

/// A row and what it names.
pub struct Named<'a> {
    pub(super) row: &'a Row,
    /// `None` where there is no such layer, or an optional row names that of another variant.
    pub(super) kind: Option<ModuleKind>,
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
    if let Err(message) = check_target(plan.node, prefix, included) {
        panic!("{}", message.as_str());
    }
    if let Err(message) = apart(plan, index) {
        panic!("{}", message.as_str());
    }
}
