//! Whether a plan's rows are right one by one, so that it makes sense to ask how they meet.

use super::{Found, base, layer, style, target, walk};
use crate::plan::{Item, Mode, Plan, Row};

/// Whether every row of the plan, and of those it includes and starts from, passes its own checks.
pub(super) const fn is_sound(plan: &Plan) -> bool {
    let mut at = 0;
    while at < plan.items.len() {
        let sound = match &plan.items[at] {
            Item::Row(row) => row_is_sound(plan, row),
            Item::Include {
                prefix,
                plan: included,
            } => target(plan.node, prefix, included).is_ok() && is_sound(included),
        };
        if !sound {
            return false;
        }
        at += 1;
    }
    match plan.base {
        Some(base) => base::suits(plan, base).is_ok() && is_sound(base),
        None => true,
    }
}

const fn row_is_sound(plan: &Plan, row: &Row) -> bool {
    layer(plan.node, row).is_ok()
        && fits(plan, row, Mode::TensorParallel)
        && fits(plan, row, Mode::SequenceParallel)
}

const fn fits(plan: &Plan, row: &Row, mode: Mode) -> bool {
    match (row.style(mode), walk(plan.node, row.pattern)) {
        (Some(style), Ok(Found::Layer(node))) => {
            style::suits(style, node.kind, row.pattern).is_ok()
        }
        _ => true,
    }
}
