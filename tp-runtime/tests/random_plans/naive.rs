//! What patterns and plans mean, in as few words as possible.

use tp_runtime::plan::{Arity, Item, ModuleKind, Plan, Row, pattern};

use super::tree::{Tree, name};

/// What a pattern names in a tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Layer(ModuleKind),
    Struct,
    List,
    Nothing,
}

pub(crate) fn names(tree: &Tree, pattern: &str) -> Names {
    let mut tree = tree;
    let mut segments = pattern.split('.').peekable();
    while let Some(segment) = segments.next() {
        let mut children = tree.children().iter().enumerate();
        let Some((_, (arity, child))) = children.find(|(index, _)| name(*index) == segment) else {
            return Names::Nothing;
        };
        tree = child;
        if *arity == Arity::List {
            match segments.next() {
                None => return Names::List,
                Some("*") => {}
                Some(index) if index.parse::<usize>().is_ok() => {}
                Some(_) => return Names::Nothing,
            }
        }
    }
    match tree.kind() {
        ModuleKind::Container => Names::Struct,
        kind => Names::Layer(kind),
    }
}

/// Whether the path starts as the pattern says, and how many segments follow.
fn inside(pattern: &str, path: &str) -> Option<usize> {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), path.split('.').collect());
    let alike = pattern.len() <= path.len()
        && pattern.iter().zip(&path).all(|(wanted, found)| {
            wanted == found || *wanted == "*" && found.parse::<usize>().is_ok()
        });
    alike.then(|| path.len() - pattern.len())
}

pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    inside(pattern, path) == Some(0)
}

/// The row of a plan without includes that decides the layer at `path`.
pub(crate) fn row_of(plan: &'static Plan, path: &str) -> Option<&'static Row> {
    let rows = || {
        plan.items.iter().filter_map(|item| match item {
            Item::Row(row) => Some(row),
            Item::Include { .. } => None,
        })
    };
    let named = rows().find(|row| matches(row.pattern, path));
    let around = || rows().find(|row| row.is_replicated() && inside(row.pattern, path) > Some(0));
    named.or_else(around).or_else(|| row_of(plan.base?, path))
}

/// Whether two patterns name one path, by trying what their segments can be.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let both = one.split('.').zip(other.split('.'));
    let path: Vec<&str> = both
        .map(|(one, other)| if one == "*" { other } else { one })
        .collect();
    let path = path.join(".").replace('*', "7");
    let found = matches(one, &path) && matches(other, &path);
    assert_eq!(pattern::overlap(one, other), found, "{one} and {other}");
    found
}
