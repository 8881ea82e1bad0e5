//! From a pattern to the module type it names.

use crate::plan::nearest::{distance, is_near};
use crate::plan::pattern::{is_index, same, split, split_last};
use crate::plan::{Arity, Child, ModuleKind, Node, Text};

/// What a pattern names.
#[derive(Debug)]
pub enum Found {
    /// A layer, which a row may name.
    Layer(&'static Node),
    /// A struct of modules.
    Container(&'static Node),
    /// A whole list of the given type.
    List(&'static Node),
}

/// Follows `pattern` through the tree of `model`.
///
/// # Errors
/// The message for a segment that names nothing.
pub const fn walk(model: &Node, pattern: &str) -> Result<Found, Text> {
    let (first, mut rest) = split(pattern);
    let mut child = match find(model, first) {
        Some(child) => child,
        None => return Err(missing(model, model, pattern, first, None)),
    };
    let mut parent = first;
    let mut is_list = matches!(child.arity, Arity::List);
    while let Some(remaining) = rest {
        let (segment, after) = split(remaining);
        if is_list {
            if !same(segment, "*") && !is_index(segment) {
                return Err(needs_star(model, pattern, parent));
            }
            is_list = false;
        } else {
            let node = child.node;
            child = match find(node, segment) {
                Some(child) => child,
                None => return Err(missing(model, node, pattern, segment, Some(parent))),
            };
            is_list = matches!(child.arity, Arity::List);
            parent = segment;
        }
        rest = after;
    }
    Ok(match (is_list, child.node.kind) {
        (true, _) => Found::List(child.node),
        (false, ModuleKind::Container) => Found::Container(child.node),
        (false, _) => Found::Layer(child.node),
    })
}

/// Whether the model has the struct of modules in which `pattern` would name one.
pub(super) const fn has_place(model: &Node, pattern: &str) -> bool {
    let Some((parent, last)) = split_last(pattern) else {
        return true; // a child of the model itself
    };
    !same(last, "*") && !is_index(last) && matches!(walk(model, parent), Ok(Found::Container(_)))
}

/// The message for a row that names a struct of modules.
pub(super) const fn names_container(pattern: &str, node: &Node) -> Text {
    let mut text = Text::of(&["\"", pattern, "\" is a ", node.type_name]);
    text.push(", and a row names one layer: go on with ");
    push_children(&mut text, node);
    text
}

/// The message for a row or an include that names a list.
pub(super) const fn names_list(pattern: &str, node: &Node) -> Text {
    let element = node.type_name;
    Text::of(&[
        "\"",
        pattern,
        "\" is a list of ",
        element,
        ": write \"",
        pattern,
        ".*\" for each",
    ])
}

const fn needs_star(model: &Node, pattern: &str, list: &str) -> Text {
    Text::of(&[
        "no module \"",
        pattern,
        "\" in ",
        model.type_name,
        ": \"",
        list,
        "\" is a list, write \"",
        list,
        ".*\" for all of it or \"",
        list,
        ".0\" for one",
    ])
}

/// The message for `segment`, which is no child of `node`.
const fn missing(
    model: &Node,
    node: &Node,
    pattern: &str,
    segment: &str,
    parent: Option<&str>,
) -> Text {
    let mut text = Text::of(&["no module \"", pattern, "\" in ", model.type_name, ": "]);
    let place = match parent {
        Some(parent) => Text::of(&["\"", parent, "\""]),
        None => Text::of(&["the model"]),
    };
    if node.children.is_empty() {
        text.push(place.as_str());
        text.push(" is ");
        text.push(node.kind.name());
        text.push(" with no modules inside, end the pattern there");
    } else if same(segment, "*") || is_index(segment) {
        text.push(place.as_str());
        text.push(" is no list, go on with ");
        push_children(&mut text, node);
    } else if let Some(near) = nearest_child(node, segment) {
        text.push("did you mean \"");
        text.push(near);
        text.push("\"?");
    } else {
        text.push(place.as_str());
        text.push(" has ");
        push_children(&mut text, node);
    }
    text
}

pub(super) const fn find(node: &Node, name: &str) -> Option<&'static Child> {
    let children = node.children;
    let mut at = 0;
    while at < children.len() {
        if same(children[at].name, name) {
            return Some(&children[at]);
        }
        at += 1;
    }
    None
}

const fn nearest_child(node: &Node, name: &str) -> Option<&'static str> {
    let mut best: Option<&'static str> = None;
    let mut at = 0;
    while at < node.children.len() {
        let candidate = node.children[at].name;
        let length = distance(name, candidate);
        let nearer = match best {
            Some(best) => length < distance(name, best),
            None => is_near(length, name, candidate),
        };
        if nearer {
            best = Some(candidate);
        }
        at += 1;
    }
    best
}

const fn push_children(text: &mut Text, node: &Node) {
    let mut at = 0;
    while at < node.children.len() {
        if at > 0 {
            text.push(", ");
        }
        text.push("\"");
        text.push(node.children[at].name);
        text.push("\"");
        at += 1;
    }
}
