//! The cell of a plan that decides a module, and the elements of lists that rows single out.

use crate::plan::pattern::{follow, is_index, matches, split};
use crate::plan::{Item, Mode, Plan, Style, Text};

/// What a plan says of one module.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// Its style; `None` for `_`.
    pub(super) style: Option<Style>,
    /// The line of the plan's own table, which may include the row; `None` for its base's.
    pub(super) item: Option<usize>,
}

/// The cell for the module at `path`, in which `*` is an element that no row singles out.
pub(super) const fn cell(plan: &Plan, mode: Mode, path: &str) -> Option<Cell> {
    let mut at = 0;
    while at < plan.items.len() {
        let style = match &plan.items[at] {
            Item::Row(row) if matches(row.pattern, path) => Some(row.style(mode)),
            Item::Row(_) => None,
            Item::Include { prefix, plan } => match follow(prefix, path) {
                Some((None, Some(rest))) => style(plan, mode, rest),
                _ => None,
            },
        };
        if let Some(style) = style {
            let item = Some(at);
            return Some(Cell { style, item });
        }
        at += 1;
    }
    let Some(base) = plan.base else {
        return None;
    };
    match style(base, mode, path) {
        Some(style) => Some(Cell { style, item: None }),
        None => None,
    }
}

const fn style(plan: &Plan, mode: Mode, path: &str) -> Option<Option<Style>> {
    match cell(plan, mode, path) {
        Some(cell) => Some(cell.style),
        None => None,
    }
}

/// The first element from `from` on, of the list at `path`, that a row singles out.
pub(super) const fn singled_out(
    plan: &Plan,
    prefix: &str,
    path: &str,
    from: usize,
) -> Option<usize> {
    let mut first = match plan.base {
        Some(base) => singled_out(base, prefix, path, from),
        None => None,
    };
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) => index(Text::path(prefix, row.pattern).as_str(), path),
            Item::Include {
                prefix: inner,
                plan,
            } => singled_out(plan, Text::path(prefix, inner).as_str(), path, from),
        };
        if let Some(found) = found
            && found >= from
            && (first.is_none() || matches!(first, Some(first) if found < first))
        {
            first = Some(found);
        }
        at += 1;
    }
    first
}

/// The number that `pattern` has where the elements of the list at `path` stand.
const fn index(pattern: &str, path: &str) -> Option<usize> {
    let Some((Some(rest), None)) = follow(pattern, path) else {
        return None;
    };
    let (segment, _) = split(rest);
    match usize::from_str_radix(segment, 10) {
        Ok(index) if is_index(segment) => Some(index),
        _ => None,
    }
}
