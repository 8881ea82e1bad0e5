//! A derived plan starts from a plan for the same model, and changes it.

use super::sound::has_sound_bases;
use crate::pattern::{encloses, overlap, same};
use crate::{Item, Plan, Row, Text};

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
    let (mut ancestor, mut behind, mut advance) = (Some(base), base, false);
    while let Some(other) = ancestor {
        if is(other, plan) {
            return Err(Text::of(&[
                "`",
                plan.name,
                "` starts from itself: start from another plan",
            ]));
        }
        ancestor = other.base;
        // At half the pace: met again only in a circle further up, which is the fault of its own plans.
        if advance && let Some(next) = behind.base {
            behind = next;
        }
        advance = !advance;
        if let Some(next) = ancestor
            && is(next, behind)
        {
            break;
        }
    }
    Ok(())
}

const fn is(one: &Plan, other: &Plan) -> bool {
    one.line == other.line && same(one.name, other.name) && same(one.file, other.file)
}

/// The message if a row that replicates its modules changes nothing of the plan it starts from.
pub(super) const fn changes(plan: &Plan, row: &Row) -> Result<(), Text> {
    if let Some(base) = plan.base
        && row.is_replicated()
        && has_sound_bases(plan)
        && !has_style(row.pattern, "", base)
    {
        let (pattern, base) = (row.pattern, base.name);
        return Err(Text::of(&[
            "\"",
            pattern,
            "\" has no style in `",
            base,
            "`, so it is replicated already: remove this row",
        ]));
    }
    Ok(())
}

/// Whether some row of `plan`, which stands at `prefix`, gives a style to a module that `pattern`
/// names, or to one inside.
const fn has_style(pattern: &str, prefix: &str, plan: &Plan) -> bool {
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) if row.is_replicated() => false,
            Item::Row(row) => {
                let named = Text::path(prefix, row.pattern);
                overlap(pattern, named.as_str()) || encloses(pattern, named.as_str())
            }
            Item::Include {
                prefix: inner,
                plan,
            } => has_style(pattern, Text::path(prefix, inner).as_str(), plan),
        };
        if found {
            return true;
        }
        at += 1;
    }
    match plan.base {
        Some(base) => has_style(pattern, prefix, base),
        None => false,
    }
}
