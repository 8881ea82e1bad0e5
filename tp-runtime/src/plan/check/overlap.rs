//! No two rows of a plan, its included plans among them, name one module.

use super::row_at;
use crate::plan::pattern::{encloses, overlap, same};
use crate::plan::{Item, Plan, Text};

/// Looks for another row that names a module which the item at `index` names.
///
/// Two rows of one table are compared by the macro; this compares rows with included plans, and
/// an included plan with those included before it.
///
/// # Errors
/// The message, which names both rows.
pub const fn apart(plan: &Plan, index: usize) -> Result<(), Text> {
    match &plan.items[index] {
        Item::Row(row) => row_apart(plan, row.pattern, "", plan.items.len()),
        Item::Include {
            prefix,
            plan: included,
        } => include_apart(plan, index, prefix, included),
    }
}

/// Compares `pattern`, a row of the included plan `from` (empty for the table itself), with every
/// plan included before the item at `end`.
const fn row_apart(plan: &Plan, pattern: &str, from: &str, end: usize) -> Result<(), Text> {
    let mut at = 0;
    while at < end {
        if let Item::Include {
            prefix,
            plan: included,
        } = &plan.items[at]
            && let Some(other) = overlapping(pattern, prefix, included)
        {
            return Err(both(pattern, from, other.as_str(), included.name));
        }
        at += 1;
    }
    Ok(())
}

/// Compares every row of `included` with the plans included before it.
const fn include_apart(plan: &Plan, end: usize, prefix: &str, included: &Plan) -> Result<(), Text> {
    let mut at = 0;
    while at < included.items.len() {
        match &included.items[at] {
            Item::Row(row) => {
                let pattern = Text::path(prefix, row.pattern);
                if let Err(message) = row_apart(plan, pattern.as_str(), included.name, end) {
                    return Err(message);
                }
            }
            Item::Include {
                prefix: inner,
                plan: nested,
            } => {
                let prefix = Text::path(prefix, inner);
                if let Err(message) = include_apart(plan, end, prefix.as_str(), nested) {
                    return Err(message);
                }
            }
        }
        at += 1;
    }
    match included.base {
        Some(base) => include_apart(plan, end, prefix, base),
        None => Ok(()),
    }
}

/// A row of `included`, which stands at `prefix`, that names a module `pattern` names.
pub(super) const fn overlapping(pattern: &str, prefix: &str, included: &Plan) -> Option<Text> {
    let mut at = 0;
    while at < included.items.len() {
        let found = match row_at(included, at) {
            Some(row) => {
                let other = Text::path(prefix, row.pattern);
                if overlap(pattern, other.as_str()) {
                    Some(other)
                } else {
                    None
                }
            }
            None => nested(pattern, prefix, &included.items[at]),
        };
        if found.is_some() {
            return found;
        }
        at += 1;
    }
    match included.base {
        Some(base) => overlapping(pattern, prefix, base),
        None => None,
    }
}

/// Whether some row of `included`, which stands at `prefix`, names a module inside those that
/// `pattern` names.
pub(super) const fn stands_in(pattern: &str, prefix: &str, included: &Plan) -> bool {
    let mut at = 0;
    while at < included.items.len() {
        let found = match &included.items[at] {
            Item::Row(row) => encloses(pattern, Text::path(prefix, row.pattern).as_str()),
            Item::Include {
                prefix: inner,
                plan,
            } => stands_in(pattern, Text::path(prefix, inner).as_str(), plan),
        };
        if found {
            return true;
        }
        at += 1;
    }
    match included.base {
        Some(base) => stands_in(pattern, prefix, base),
        None => false,
    }
}

const fn nested(pattern: &str, prefix: &str, item: &Item) -> Option<Text> {
    match item {
        Item::Row(_) => None,
        Item::Include {
            prefix: inner,
            plan,
        } => overlapping(pattern, Text::path(prefix, inner).as_str(), plan),
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
