//! No two rows of a plan, its included plans among them, name one module.

use crate::pattern::{overlap, same};
use crate::{Item, Plan, Row, Text};

/// Looks for another row that names a module which the item at `index` names.
///
/// Two rows of one table are compared by the macro; this compares rows with included plans, and
/// an included plan with those included before it.
///
/// # Errors
/// The message, which names both rows.
pub const fn apart(plan: &Plan, index: usize) -> Result<(), Text> {
    let end = match &plan.items[index] {
        Item::Row(_) => plan.items.len(),
        Item::Include { .. } => index,
    };
    let mut at = 0;
    while at < end {
        if let Item::Include {
            prefix,
            plan: included,
        } = &plan.items[at]
        {
            let apart = match &plan.items[index] {
                Item::Row(row) => match overlapping(row, row.pattern, prefix, included) {
                    Some(other) => Err(both(row.pattern, "", other.as_str(), included.name)),
                    None => Ok(()),
                },
                Item::Include {
                    prefix: own,
                    plan: other,
                } => each_apart(own, other, prefix, included),
            };
            if apart.is_err() {
                return apart;
            }
        }
        at += 1;
    }
    Ok(())
}

/// Compares every row of `plan`, which stands at `prefix`, with those of a plan included before.
const fn each_apart(prefix: &str, plan: &Plan, before: &str, included: &Plan) -> Result<(), Text> {
    let mut at = 0;
    while at < plan.items.len() {
        let apart = match &plan.items[at] {
            Item::Row(row) => {
                let pattern = Text::path(prefix, row.pattern);
                match overlapping(row, pattern.as_str(), before, included) {
                    Some(other) => {
                        let (pattern, other) = (pattern.as_str(), other.as_str());
                        Err(both(pattern, plan.name, other, included.name))
                    }
                    None => Ok(()),
                }
            }
            Item::Include {
                prefix: inner,
                plan: nested,
            } => each_apart(Text::path(prefix, inner).as_str(), nested, before, included),
        };
        if apart.is_err() {
            return apart;
        }
        at += 1;
    }
    match plan.base {
        Some(base) => each_apart(prefix, base, before, included),
        None => Ok(()),
    }
}

/// A row of `included`, which stands at `prefix`, that names a module which `pattern` names, the
/// full path of `row`.
const fn overlapping(row: &Row, pattern: &str, prefix: &str, included: &Plan) -> Option<Text> {
    let mut at = 0;
    while at < included.items.len() {
        let found = match &included.items[at] {
            Item::Row(other) if !row.may_end_like(other) => None,
            Item::Row(other) => {
                let other = Text::path(prefix, other.pattern);
                if overlap(pattern, other.as_str()) {
                    Some(other)
                } else {
                    None
                }
            }
            Item::Include {
                prefix: inner,
                plan,
            } => overlapping(row, pattern, Text::path(prefix, inner).as_str(), plan),
        };
        if found.is_some() {
            return found;
        }
        at += 1;
    }
    match included.base {
        Some(base) => overlapping(row, pattern, prefix, base),
        None => None,
    }
}

const fn both(pattern: &str, from: &str, other: &str, plan: &str) -> Text {
    let mut text = Text::of(&["\"", pattern, "\""]);
    if !from.is_empty() {
        text.push(" of `");
        text.push(from);
        text.push("`");
    }
    if same(pattern, other) {
        text.push(" also has a row");
    } else {
        text.push(" can name a module that \"");
        text.push(other);
        text.push("\" names");
    }
    text.push(" in the included plan `");
    text.push(plan);
    text.push("`: keep one");
    text
}
