//! Follows the flow of a struct: its stages, their branches, the children of each.

use super::fault::{Fault, Meeting, Problem};
use super::join::join;
use super::layer::layer;
use super::value::Value;
use crate::check::cell::{cell, singled_out};
use crate::check::path::Path;
use crate::check::walk::child;
use crate::{Arity, Mode, ModuleKind, Node, Plan, Stage};

/// A model under the columns of its plan, and where layouts first did not meet in each.
pub(super) struct Model<'a> {
    plan: &'a Plan,
    columns: usize,
    pub(super) faults: [Option<Fault>; Mode::ALL.len()],
}

/// An activation, once for each column.
type Values = [Value; Mode::ALL.len()];

impl<'a> Model<'a> {
    pub(super) const fn new(plan: &'a Plan) -> Self {
        let columns = if plan.supports(Mode::SequenceParallel) {
            2
        } else {
            1
        };
        Self {
            plan,
            columns,
            faults: [None, None],
        }
    }

    /// Follows the whole model.
    pub(super) const fn follow(&mut self) {
        let unknown = [Value::UNKNOWN; Mode::ALL.len()];
        self.module(self.plan.node, Path::ROOT, unknown);
    }

    /// What the module at `path` gives for `input`.
    const fn module(&mut self, node: &Node, path: Path, input: Values) -> Values {
        if !matches!(node.kind, ModuleKind::Container) {
            return self.layer(node.kind, path, input);
        }
        if node.flow.is_empty() {
            return [Value::UNKNOWN; Mode::ALL.len()];
        }
        let mut stream = outside(input);
        let mut value = stream;
        let mut at = 0;
        while at < node.flow.len() {
            match &node.flow[at] {
                Stage::Feed(branches) => value = self.feed(node, path, branches, value),
                Stage::Residual => {
                    stream = self.join(Meeting::Residual, stream, value);
                    value = stream;
                }
            }
            at += 1;
        }
        outside(value)
    }

    const fn layer(&mut self, kind: ModuleKind, path: Path, input: Values) -> Values {
        let cell = cell(self.plan, &path, 0);
        let mut output = input;
        let mut column = 0;
        while column < self.columns {
            let result = layer(Mode::ALL[column], kind, path, cell, &input[column]);
            output[column] = self.or_unknown(column, result);
            column += 1;
        }
        output
    }

    const fn join(&mut self, meeting: Meeting, first: Values, second: Values) -> Values {
        let mut joined = first;
        let mut column = 0;
        while column < self.columns {
            let result = join(meeting, &first[column], &second[column]);
            joined[column] = self.or_unknown(column, result);
            column += 1;
        }
        joined
    }

    /// The value, or one that meets everything once the fault is written down.
    const fn or_unknown(&mut self, column: usize, result: Result<Value, Problem>) -> Value {
        match result {
            Ok(value) => value,
            Err(problem) => {
                if self.faults[column].is_none() {
                    self.faults[column] = Some(Fault::new(Mode::ALL[column], problem));
                }
                Value::UNKNOWN
            }
        }
    }

    /// What branches that all read `input` are joined to.
    const fn feed(
        &mut self,
        node: &Node,
        path: Path,
        branches: &[&[&str]],
        input: Values,
    ) -> Values {
        let mut joined = input;
        let mut at = 0;
        while at < branches.len() {
            let output = self.branch(node, path, branches[at], input);
            joined = if at == 0 {
                output
            } else {
                self.join(Meeting::Branches, joined, output)
            };
            at += 1;
        }
        joined
    }

    /// What children that feed one another make of `input`.
    const fn branch(&mut self, node: &Node, path: Path, names: &[&str], input: Values) -> Values {
        let mut value = input;
        let mut at = 0;
        while at < names.len() {
            // The derive wrote the flow of children that there are.
            if let Some(child) = child(node, names[at]) {
                let path = path.child(child);
                value = match child.arity {
                    Arity::List => self.list(child.node, path, value),
                    Arity::One | Arity::Optional => self.module(child.node, path, value),
                };
            }
            at += 1;
        }
        value
    }

    /// The elements of a list, one after another: those that rows single out, and one other beside
    /// each.
    const fn list(&mut self, node: &Node, path: Path, input: Values) -> Values {
        let others = path.elements();
        let mut value = input;
        let mut next = 0;
        while let Some(element) = singled_out(self.plan, &path, 0, next) {
            if element.index > next {
                value = self.module(node, others, value);
            }
            value = self.module(node, path.element(element.segment), value);
            next = element.index + 1;
        }
        let last = self.module(node, others, value);
        if self.settled(&value, &last) {
            return last;
        }
        // The next one reads what this one gives.
        self.module(node, others, last)
    }

    /// Whether activations that lie like `before` are known to lie alike `after` a layer.
    const fn settled(&self, before: &Values, after: &Values) -> bool {
        let mut column = 0;
        while column < self.columns {
            match (before[column].placement, after[column].placement) {
                (Some(before), Some(after)) if before.same(after) => column += 1,
                _ => return false,
            }
        }
        true
    }
}

const fn outside(values: Values) -> Values {
    [values[0].outside(), values[1].outside()]
}
