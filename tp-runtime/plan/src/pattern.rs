//! Patterns: dotted paths in which `*` stands for any element of a list.

use crate::Path;

/// Whether `pattern` names the module at `path`, such as `model.layers.3.mlp.up_proj`.
pub const fn matches(pattern: &str, path: &str) -> bool {
    Path::of(path).is_named_by(pattern, 0)
}

/// Whether some path is named by both patterns.
pub const fn overlap(a: &str, b: &str) -> bool {
    matches!(common(a, b), Some((None, None)))
}

/// Whether a path that `inner` names can stand inside one that `outer` names.
pub const fn encloses(outer: &str, inner: &str) -> bool {
    matches!(common(outer, inner), Some((None, Some(_))))
}

/// What is left of each pattern where the shorter ends; `None` if no path starts as both do.
const fn common<'a>(a: &'a str, b: &'a str) -> Option<(Option<&'a str>, Option<&'a str>)> {
    let (mut a, mut b) = (Some(a), Some(b));
    while let (Some(left), Some(right)) = (a, b) {
        let ((left, left_rest), (right, right_rest)) = (split(left), split(right));
        let alike = same(left, right)
            || same(left, "*") && is_index(right)
            || same(right, "*") && is_index(left);
        if !alike {
            return None;
        }
        (a, b) = (left_rest, right_rest);
    }
    Some((a, b))
}

/// The first segment of a dotted path, and what follows it.
pub const fn split(path: &str) -> (&str, Option<&str>) {
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'.' {
            return (path.split_at(at).0, Some(path.split_at(at + 1).1));
        }
        at += 1;
    }
    (path, None)
}

/// Where the next segment of `path` begins, if `name` stands at byte `at`: past the end after the last.
pub const fn after_name(path: &str, at: usize, name: &str) -> Option<usize> {
    let (path, name) = (path.as_bytes(), name.as_bytes());
    let end = at + name.len();
    if end > path.len() {
        return None;
    }
    let mut byte = 0;
    while byte < name.len() {
        if path[at + byte] != name[byte] {
            return None;
        }
        byte += 1;
    }
    if end == path.len() || path[end] == b'.' {
        Some(end + 1)
    } else {
        None
    }
}

/// What stands before the last segment of a dotted path, and that segment.
pub const fn split_last(path: &str) -> Option<(&str, &str)> {
    let bytes = path.as_bytes();
    let mut at = bytes.len();
    while at > 0 {
        at -= 1;
        if bytes[at] == b'.' {
            return Some((path.split_at(at).0, path.split_at(at + 1).1));
        }
    }
    None
}

/// Whether a segment is the number of a list's element.
pub const fn is_index(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

/// `a == b`, at compile time.
pub const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}
