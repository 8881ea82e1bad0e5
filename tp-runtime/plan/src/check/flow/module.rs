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
                Step::Layer(kind) => self.layer(kind, steps.path(), stack.top_mut()),
                Step::Undeclared(_) => *stack.top_mut() = [Value::UNKNOWN; Mode::ALL.len()],
                Step::Enter => {
                    leave_struct(stack.top_mut());
                    stack.copy(0);
                }
                Step::Leave => {
                    stack.drop_below();
                    leave_struct(stack.top_mut());
                }
                Step::Copy(depth) => stack.copy(depth),
                Step::Drop => stack.drop_below(),
                Step::Element => {
                    if !self.settled(stack.below(), stack.top()) {
                        // The next one reads what this one gives.
                        steps.repeat();
                    }
                    stack.drop_below();
                }
                Step::Join(meeting) => {
                    let second = *stack.top();
                    stack.pop();
                    self.join(meeting, stack.top_mut(), &second);
                    if matches!(meeting, Meeting::Residual) {
                        stack.copy(0);
                    }
                }
            }
        }
    }

    const fn layer(&mut self, kind: ModuleKind, path: &Path<'static>, values: &mut Values) {
        let cell = cell(self.plan, path, 0);
        let mut column = 0;
        while column < self.columns {
            let mode = Mode::ALL[column];
            if let Err(problem) = layer(mode, kind, path, cell, &mut values[column]) {
                self.fail(column, problem, &mut values[column]);
            }
            column += 1;
        }
    }

    const fn join(&mut self, meeting: Meeting, first: &mut Values, second: &Values) {
        let mut column = 0;
        while column < self.columns {
            if !join(&mut first[column], &second[column]) {
                let problem = Problem::Join {
                    meeting,
                    first: first[column],
                    second: second[column],
                };
                self.fail(column, problem, &mut first[column]);
            }
            column += 1;
        }
    }

    /// Writes down the first fault of a column; the activation then meets everything.
    const fn fail(&mut self, column: usize, problem: Problem, value: &mut Value) {
        if self.faults[column].is_none() {
            self.faults[column] = Some(Fault::new(Mode::ALL[column], problem));
        }
        *value = Value::UNKNOWN;
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

/// Heads are not followed across the border of a struct.
const fn leave_struct(values: &mut Values) {
    values[0].may_be_heads = false;
    values[1].may_be_heads = false;
}
