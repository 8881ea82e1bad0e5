//! Follows a model's forward under both columns of a plan at once, since rustc takes its time.

use super::fault::{Fault, Problem};
use super::join::join;
use super::layer::layer;
use super::stack::Stack;
use super::value::Value;
use crate::flow::{Meeting, Modules, Step, Steps};
use crate::lookup::cell;
use crate::{Mode, ModuleKind, Path, Plan};

/// A model under the columns of its plan, and where layouts first did not meet in each.
pub(super) struct Model {
    plan: &'static Plan,
    columns: usize,
    pub(super) faults: [Option<Fault>; Mode::ALL.len()],
}

/// An activation, once for each column.
pub(super) type Values = [Value; Mode::ALL.len()];

impl Model {
    pub(super) const fn new(plan: &'static Plan) -> Self {
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
        let mut steps = Steps::new(self.plan.node, Modules::Any(self.plan));
        let mut stack = Stack::new([Value::UNKNOWN; Mode::ALL.len()]);
        while let Some(step) = steps.next() {
            match step {
                Step::Layer(path, kind) => {
                    let output = self.layer(kind, path, *stack.top());
                    stack.replace(output);
                }
                Step::Undeclared(..) => stack.replace([Value::UNKNOWN; Mode::ALL.len()]),
                Step::Enter => {
                    stack.replace(outside(*stack.top()));
                    stack.push(*stack.top());
                }
                Step::Leave => {
                    stack.drop_below();
                    stack.replace(outside(*stack.top()));
                }
                Step::Copy(depth) => stack.push(*stack.below(depth)),
                Step::Drop => stack.drop_below(),
                Step::Element => {
                    if !self.settled(stack.below(1), stack.top()) {
                        // The next one reads what this one gives.
                        steps.repeat();
                    }
                    stack.drop_below();
                }
                Step::Join(meeting) => {
                    let joined = self.join(meeting, *stack.below(1), *stack.top());
                    stack.drop_below();
                    stack.replace(joined);
                    if matches!(meeting, Meeting::Residual) {
                        stack.push(joined);
                    }
                }
            }
        }
    }

    const fn layer(&mut self, kind: ModuleKind, path: Path<'static>, input: Values) -> Values {
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

    /// Whether activations placed like `before` are known to be placed alike `after` a layer.
    const fn settled(&self, before: &Values, after: &Values) -> bool {
        let mut column = 0;
        while column < self.columns {
            match (before[column].layout, after[column].layout) {
                (Some(before), Some(after)) if before.placement().same(after.placement()) => {
                    column += 1;
                }
                _ => return false,
            }
        }
        true
    }
}

const fn outside(values: Values) -> Values {
    [values[0].outside(), values[1].outside()]
}
