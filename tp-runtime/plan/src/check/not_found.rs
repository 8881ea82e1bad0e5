//! The messages for a pattern that names no layer.

use crate::nearest::{distance, is_near};
use crate::pattern::{is_index, same};
use crate::{Node, Text};

/// The segment at which a pattern stops naming modules; only rustc needs it as text.
pub(super) enum NotFound<'a> {
    /// `segment` is no child of `node`, which `parent` names unless it is the model.
    Missing {
        node: &'static Node,
        segment: &'a str,
        parent: Option<&'a str>,
    },
    /// `list` is followed by a name.
    NoStar { list: &'a str },
}

impl NotFound<'_> {
    /// What is wrong with the segment, and what to write instead.
    pub(super) const fn message(&self, model: &Node, pattern: &str) -> Text {
        match *self {
            Self::Missing {
                node,
                segment,
                parent,
            } => missing(model, node, pattern, segment, parent),
            Self::NoStar { list } => needs_star(model, pattern, list),
        }
    }
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
