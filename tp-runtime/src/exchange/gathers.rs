//! Which columns read an activation that is split over the sequence.
//!
//! Here columns gather such an input whatever their row says. PyTorch does so only where
//! `input_layouts` says it, and fails otherwise.

use crate::plan::{Arity, Mode, ModuleKind, Node, Placement, Plan, Stage, StyleKind, row_of};

/// The patterns of the rows whose columns gather their input in `mode`, though they say `input: Replicate`.
pub(super) fn gathers(plan: &'static Plan, mode: Mode) -> Vec<String> {
    let mut walk = Walk {
        plan,
        mode,
        gathers: Vec::new(),
    };
    walk.module(plan.node, "", false);
    walk.gathers
}

/// Follows the flow that the model's structs declare; a value is whether the sequence is split.
struct Walk {
    plan: &'static Plan,
    mode: Mode,
    gathers: Vec<String>,
}

impl Walk {
    fn module(&mut self, node: &Node, path: &str, input: bool) -> bool {
        if node.kind != ModuleKind::Container {
            return self.layer(path, input);
        }
        let (mut stream, mut value) = (input, input);
        for stage in node.flow {
            match stage {
                Stage::Feed(branches) => {
                    let outputs = branches
                        .iter()
                        .map(|branch| self.branch(node, path, branch, value));
                    value = outputs.fold(false, |joined, output| joined | output);
                }
                Stage::Residual => {
                    stream |= value;
                    value = stream;
                }
            }
        }
        value
    }

    fn branch(&mut self, node: &Node, path: &str, names: &[&str], input: bool) -> bool {
        let mut value = input;
        for name in names {
            for child in node.children.iter().filter(|child| child.name == *name) {
                let elements = if child.arity == Arity::List { ".*" } else { "" };
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{name}{elements}");
                value = self.module(child.node, &path, value);
            }
        }
        value
    }

    fn layer(&mut self, path: &str, input: bool) -> bool {
        let Some(row) = row_of(self.plan, path) else {
            return input;
        };
        let Some(style) = row.style(self.mode) else {
            return input;
        };
        let is_missed = style.kind == StyleKind::Colwise && style.input == Placement::Replicate;
        if input && is_missed && !self.gathers.contains(&row.pattern) {
            self.gathers.push(row.pattern.clone());
        }
        style.output == Placement::Shard(1)
    }
}
