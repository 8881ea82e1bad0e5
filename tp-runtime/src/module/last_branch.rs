//! Where the last branch of a residual layer ends.

use tp_plan::{Arity, ModuleKind, Node, Stage};

/// Where in a residual layer the leaf stands whose output is the last thing added to its stream.
pub(crate) fn last_branch(node: &Node) -> Option<String> {
    let [.., branch, Stage::Residual] = node.flow else {
        return None;
    };
    let mut path = String::new();
    let (mut node, mut stage) = (node, branch);
    loop {
        let Stage::Feed([[.., last]]) = stage else {
            return None;
        };
        let child = &node.children[*last];
        if child.arity != Arity::One {
            return None;
        }
        path += child.name;
        node = child.node;
        if node.kind != ModuleKind::Container {
            return Some(path);
        }
        path += ".";
        stage = node.flow.last()?;
    }
}
