//! Follows the flow of a struct: its stages, their branches, the children of each.

use super::Fault;
use super::cell::{cell, singled_out};
use super::join::{Meeting, join};
use super::layer::layer;
use super::value::Value;
use crate::plan::check::walk::find;
use crate::plan::{Arity, Mode, ModuleKind, Node, Plan, Stage, Text};

/// A model under one column of its plan.
pub(super) struct Model<'a> {
    pub(super) plan: &'a Plan,
    pub(super) mode: Mode,
}

/// `?`, which a `const fn` does not have.
macro_rules! attempt {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(fault) => return Err(fault),
        }
    };
}

impl Model<'_> {
    /// What the module at `path` gives for `input`.
    pub(super) const fn module(
        &self,
        node: &Node,
        path: &str,
        input: Value,
    ) -> Result<Value, Fault> {
        if !matches!(node.kind, ModuleKind::Container) {
            let cell = cell(self.plan, self.mode, path);
            return layer(self.mode, node.kind, path, cell, input);
        }
        if node.flow.is_empty() {
            return Ok(Value::unknown());
        }
        let mut stream = input.outside();
        let mut value = stream;
        let mut at = 0;
        while at < node.flow.len() {
            match &node.flow[at] {
                Stage::Feed(branches) => value = attempt!(self.feed(node, path, branches, value)),
                Stage::Residual => {
                    stream = attempt!(join(self.mode, Meeting::Residual, stream, value));
                    value = stream;
                }
            }
            at += 1;
        }
        Ok(value.outside())
    }

    /// What branches that all read `input` are joined to.
    const fn feed(
        &self,
        node: &Node,
        path: &str,
        branches: &[&[&str]],
        input: Value,
    ) -> Result<Value, Fault> {
        let mut joined: Option<Value> = None;
        let mut at = 0;
        while at < branches.len() {
            let output = attempt!(self.branch(node, path, branches[at], input));
            joined = Some(match joined {
                Some(first) => attempt!(join(self.mode, Meeting::Branches, first, output)),
                None => output,
            });
            at += 1;
        }
        Ok(match joined {
            Some(value) => value,
            None => input,
        })
    }

    /// What children that feed one another make of `input`.
    const fn branch(
        &self,
        node: &Node,
        path: &str,
        names: &[&str],
        input: Value,
    ) -> Result<Value, Fault> {
        let mut value = input;
        let mut at = 0;
        while at < names.len() {
            // The derive wrote the flow of children that there are.
            if let Some(child) = find(node, names[at]) {
                let path = Text::path(path, child.name);
                value = attempt!(match child.arity {
                    Arity::List => self.list(child.node, path.as_str(), value),
                    Arity::One | Arity::Optional => self.module(child.node, path.as_str(), value),
                });
            }
            at += 1;
        }
        Ok(value)
    }

    /// The elements of a list, one after another: those that rows single out, and one other beside
    /// each.
    const fn list(&self, node: &Node, path: &str, input: Value) -> Result<Value, Fault> {
        let mut value = input;
        let mut next = 0;
        while let Some(index) = singled_out(self.plan, "", path, next) {
            if index > next {
                value = attempt!(self.element(node, path, "*", value));
            }
            let mut segment = Text::of(&[]);
            segment.push_number(index);
            value = attempt!(self.element(node, path, segment.as_str(), value));
            next = index + 1;
        }
        let last = attempt!(self.element(node, path, "*", value));
        let settled = match (value.placement, last.placement) {
            (Some(before), Some(after)) => before.same(after),
            _ => false,
        };
        if settled {
            return Ok(last);
        }
        // The next one reads what this one gives.
        self.element(node, path, "*", last)
    }

    const fn element(
        &self,
        node: &Node,
        list: &str,
        segment: &str,
        input: Value,
    ) -> Result<Value, Fault> {
        self.module(node, Text::path(list, segment).as_str(), input)
    }
}
