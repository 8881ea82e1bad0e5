//! Which columns read an activation that is split over the sequence.
//!
//! Here columns gather such an input whatever their row says. PyTorch does so only where
//! `input_layouts` says it, and fails otherwise.

use std::convert::Infallible;

use crate::plan::flow::{Follow, JoinKind, Modules, follow};
use crate::plan::{Mode, ModuleKind, Node, Path, Placement, Plan, Reads, SEQUENCE, row_of};

/// The patterns of the rows whose columns gather their input in `mode`, though they say `input: Replicate`.
pub(super) fn gathers(plan: &'static Plan, mode: Mode) -> Vec<String> {
    let mut forward = Forward {
        plan,
        mode,
        gathers: Vec::new(),
    };
    let Ok(_) = follow(plan.node, Modules::Any(plan), false, &mut forward);
    forward.gathers
}

/// A forward that follows of each activation only whether its sequence is split.
struct Forward {
    plan: &'static Plan,
    mode: Mode,
    gathers: Vec<String>,
}

impl Follow for Forward {
    type Activation = bool;
    type Error = Infallible;

    fn layer(
        &mut self,
        path: &Path<'_>,
        kind: ModuleKind,
        split: bool,
    ) -> Result<bool, Infallible> {
        let row = row_of(self.plan, &path.to_text());
        let Some((row, style)) = row.and_then(|row| row.style(self.mode).map(|style| (row, style)))
        else {
            return Ok(split);
        };
        let rule = kind.rule(Some(style.kind));
        let gathers = rule.is_some_and(|rule| rule.reads == Reads::Whole);
        let is_missed = gathers && style.input == Placement::Replicate;
        if split && is_missed && !self.gathers.contains(&row.pattern) {
            self.gathers.push(row.pattern.clone());
        }
        Ok(style.output == SEQUENCE)
    }

    fn join(&mut self, _: JoinKind, first: bool, second: bool) -> Result<bool, Infallible> {
        Ok(first | second)
    }

    fn undeclared(
        &mut self,
        _: &Path<'_>,
        _: &'static Node,
        split: bool,
    ) -> Result<bool, Infallible> {
        Ok(split)
    }
}
