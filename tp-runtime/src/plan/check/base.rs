//! A derived plan starts from a plan for the same model, and changes it.

use super::overlap::{overlapping, stands_in};
use super::sound::has_sound_bases;
use crate::plan::pattern::same;
use crate::plan::{Plan, Row, Text};

/// Panics unless the plan that `plan` starts from is another one for the same model.
#[track_caller]
pub const fn base(plan: &Plan) {
    if let Some(base) = plan.base
        && let Err(message) = suits(plan, base)
    {
        panic!("{}", message.as_str());
    }
}

pub(super) const fn suits(plan: &Plan, base: &Plan) -> Result<(), Text> {
    if !same(plan.node.type_path, base.node.type_path) {
        let (wanted, found) = (plan.node.type_name, base.node.type_name);
        return Err(Text::of(&[
            "`",
            base.name,
            "` is a plan for ",
            found,
            ", and `",
            plan.name,
            "` is for ",
            wanted,
            ": start from a plan for ",
            wanted,
        ]));
    }
    // `behind` takes every other step: it is met again only on a circle.
    let (mut ancestor, mut behind, mut steps) = (Some(base), base, 0);
    while let Some(other) = ancestor {
        if is(other, plan) {
            return Err(circle(plan));
        }
        if steps > 0 && is(other, behind) {
            return Err(circle(other));
        }
        if steps % 2 == 1
            && let Some(next) = behind.base
        {
            behind = next;
        }
        steps += 1;
        ancestor = other.base;
    }
    Ok(())
}

const fn is(one: &Plan, other: &Plan) -> bool {
    one.line == other.line && same(one.name, other.name) && same(one.file, other.file)
}

const fn circle(plan: &Plan) -> Text {
    Text::of(&[
        "`",
        plan.name,
        "` starts from itself: start from another plan",
    ])
}

/// The message if a row that replicates its modules changes nothing of the plan it starts from.
pub(super) const fn changes(plan: &Plan, row: &Row) -> Result<(), Text> {
    if let Some(base) = plan.base
        && row.is_replicated()
        && has_sound_bases(plan)
        && overlapping(row, row.pattern, "", base).is_none()
        && !stands_in(row.pattern, "", base)
    {
        let (pattern, base) = (row.pattern, base.name);
        return Err(Text::of(&[
            "\"",
            pattern,
            "\" has no row in `",
            base,
            "`, so it is replicated already: remove this row",
        ]));
    }
    Ok(())
}
