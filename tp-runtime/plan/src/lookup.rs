//! Which row of a plan decides a module, and which elements of lists rows single out.

use crate::fingerprint::Fingerprint;
use crate::pattern::{is_index, split};
use crate::{Item, Path, Plan, Row};

/// The row that decides a module.
#[derive(Clone, Copy)]
pub(crate) struct FoundRow<'a> {
    /// The row that names it.
    pub(crate) row: &'a Row,
    /// The line of the plan's own table, which may include the row; `None` for its base's.
    pub(crate) item: Option<usize>,
}

/// The row that decides the module at `path`, of which the plan's model is the segment before `start`.
pub(crate) const fn find_row<'a>(
    plan: &'a Plan,
    path: &Path<'_>,
    start: usize,
) -> Option<FoundRow<'a>> {
    let wanted = path.last.0;
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) => {
                // Most rows are passed over by this; a function for it would cost rustc more.
                let last = row.fingerprint.0;
                let may_be = last == wanted || last == Fingerprint::STAR.0;
                if may_be && path.is_named_by(row.pattern, start) {
                    Some(row)
                } else {
                    None
                }
            }
            Item::Include { prefix, plan } => match path.follow(prefix, start) {
                Some((inside, byte)) if byte > prefix.len() => row(plan, path, inside),
                _ => None,
            },
        };
        if let Some(row) = found {
            let item = Some(at);
            return Some(FoundRow { row, item });
        }
        at += 1;
    }
    let Some(base) = plan.base else {
        return None;
    };
    if let Some(found) = kept_whole(plan, path, start) {
        return Some(found);
    }
    match row(base, path, start) {
        Some(row) => Some(FoundRow { row, item: None }),
        None => None,
    }
}

/// The `_` of a module that the one at `path` stands in.
pub(crate) const fn kept_whole<'a>(
    plan: &'a Plan,
    path: &Path<'_>,
    start: usize,
) -> Option<FoundRow<'a>> {
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) if row.is_replicated() && path.is_inside(row.pattern, start) => {
                Some(row)
            }
            Item::Row(_) => None,
            Item::Include { prefix, plan } => match path.follow(prefix, start) {
                Some((inside, byte)) if byte > prefix.len() => {
                    match kept_whole(plan, path, inside) {
                        Some(found) => Some(found.row),
                        None => None,
                    }
                }
                _ => None,
            },
        };
        if let Some(row) = found {
            let item = Some(at);
            return Some(FoundRow { row, item });
        }
        at += 1;
    }
    None
}

const fn row<'a>(plan: &'a Plan, path: &Path<'_>, start: usize) -> Option<&'a Row> {
    match find_row(plan, path, start) {
        Some(found) => Some(found.row),
        None => None,
    }
}

/// An element of a list.
#[derive(Clone, Copy)]
pub(crate) struct Element {
    pub(crate) index: usize,
    /// The index as the row has it.
    pub(crate) segment: &'static str,
}

/// The first element from `from` on, of the list at `path`, that a row singles out.
pub(crate) const fn singled_out(
    plan: &Plan,
    path: &Path<'_>,
    start: usize,
    from: usize,
) -> Option<Element> {
    let mut first = match plan.base {
        Some(base) => singled_out(base, path, start, from),
        None => None,
    };
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) => element(row.pattern, path, start),
            Item::Include { prefix, plan } => match path.follow(prefix, start) {
                Some((inside, byte)) if byte > prefix.len() => {
                    singled_out(plan, path, inside, from)
                }
                _ => None,
            },
        };
        if let Some(found) = found
            && found.index >= from
            && (first.is_none() || matches!(first, Some(first) if found.index < first.index))
        {
            first = Some(found);
        }
        at += 1;
    }
    first
}

/// The element that `pattern` singles out of the list at `path`.
const fn element(pattern: &'static str, path: &Path<'_>, start: usize) -> Option<Element> {
    let (segments, byte) = match path.follow(pattern, start) {
        Some(ends) => ends,
        None => return None,
    };
    let is_element = segments == path.length()
        && byte < pattern.len()
        && pattern.as_bytes()[byte].is_ascii_digit();
    if !is_element {
        return None;
    }
    let (segment, _) = split(pattern.split_at(byte).1);
    match usize::from_str_radix(segment, 10) {
        Ok(index) if is_index(segment) => Some(Element { index, segment }),
        _ => None,
    }
}
