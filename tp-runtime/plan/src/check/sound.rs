//! Whether a plan's rows are right one by one, so that it makes sense to ask how they meet.

use super::{base, check_target, layer, style};
use crate::{Item, Mode, ModuleKind, Plan, Row};

/// Whether every row of the plan, and of those it includes and starts from, passes its own checks.
pub(super) const fn is_sound(plan: &Plan) -> bool {
    let mut at = 0;
    while at < plan.items.len() {
        let sound = match &plan.items[at] {
            Item::Row(row) => row_is_sound(plan, row),
            Item::Include {
                prefix,
                plan: included,
            } => check_target(plan.node, prefix, included).is_ok() && is_sound(included),
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

/// Whether every plan that this one starts from is another one for the same model, as are those of
/// the plans it includes: a plan that starts from itself has no end.
pub(super) const fn has_sound_bases(plan: &Plan) -> bool {
    if let Some(base) = plan.base
        && (base::suits(plan, base).is_err() || !has_sound_bases(base))
    {
        return false;
    }
    let mut at = 0;
    while at < plan.items.len() {
        if let Item::Include { plan, .. } = &plan.items[at]
            && !has_sound_bases(plan)
        {
            return false;
        }
        at += 1;
    }
    true
}

const fn row_is_sound(plan: &Plan, row: &Row) -> bool {
    let Ok(kind) = layer(plan.node, row) else {
        return false;
    };
    fits(row, kind, Mode::TensorParallel) && fits(row, kind, Mode::SequenceParallel)
}

const fn fits(row: &Row, kind: Option<ModuleKind>, mode: Mode) -> bool {
    match (row.style(mode), kind) {
        (Some(style), Some(kind)) => style::suits(style, kind, row.pattern).is_ok(),
        _ => true,
    }
}
