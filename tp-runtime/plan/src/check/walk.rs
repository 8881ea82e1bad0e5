//! From a pattern to the module type it names.

use super::not_found::NotFound;
use crate::pattern::{after_name, is_index, same, split, split_last};
use crate::{Arity, Child, ModuleKind, Node, Text};

/// What a pattern names.
#[derive(Debug)]
pub enum Target {
    /// A layer, which a row may name.
    Layer(&'static Child),
    /// A struct of modules.
    Container(&'static Node),
    /// A whole list of the given type.
    List(&'static Node),
}

/// Follows `pattern` through the tree of `model`.
///
/// # Errors
/// The message for a segment that names nothing.
pub const fn walk(model: &'static Node, pattern: &str) -> Result<Target, Text> {
    match find(model, pattern) {
        Ok(found) => Ok(found),
        Err(not_found) => Err(not_found.message(model, pattern)),
    }
}

/// The same without the message, which costs rustc more than to find that there is none.
pub(super) const fn find<'a>(
    model: &'static Node,
    pattern: &'a str,
) -> Result<Target, NotFound<'a>> {
    let (mut node, mut last, mut list) = (model, None::<&'static Child>, None);
    let mut at = 0;
    while at <= pattern.len() {
        if let Some(name) = list {
            let (segment, _) = split(pattern.split_at(at).1);
            if !same(segment, "*") && !is_index(segment) {
                return Err(NotFound::NoStar { list: name });
            }
            list = None;
            at += segment.len() + 1;
            continue;
        }
        let Some((child, next)) = child_at(node, pattern, at) else {
            let (segment, _) = split(pattern.split_at(at).1);
            return Err(NotFound::Missing {
                node,
                segment,
                parent: match last {
                    Some(parent) => Some(parent.name),
                    None => None,
                },
            });
        };
        (node, last, at) = (child.node, Some(child), next);
        if matches!(child.arity, Arity::List) {
            list = Some(child.name);
        }
    }
    Ok(match (list, last) {
        (Some(_), _) => Target::List(node),
        (None, Some(child)) if !matches!(node.kind, ModuleKind::Container) => Target::Layer(child),
        (None, _) => Target::Container(node),
    })
}

/// The child that `pattern` names at byte `at`, and where its next segment begins.
const fn child_at(node: &Node, pattern: &str, at: usize) -> Option<(&'static Child, usize)> {
    let children = node.children;
    let mut index = 0;
    while index < children.len() {
        if let Some(next) = after_name(pattern, at, children[index].name) {
            return Some((&children[index], next));
        }
        index += 1;
    }
    None
}

/// Whether the model has the struct of modules in which `pattern` would name one.
pub const fn has_place(model: &'static Node, pattern: &str) -> bool {
    let Some((parent, last)) = split_last(pattern) else {
        return true; // a child of the model itself
    };
    !same(last, "*") && !is_index(last) && matches!(find(model, parent), Ok(Target::Container(_)))
}
