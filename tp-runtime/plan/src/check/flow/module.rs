//! Follows a model's forward under both columns of a plan at once, since rustc takes its time.

use super::activation::Activation;
use super::conflict::{Conflict, ConflictKind};
use super::join::join;
use super::layer::layer;
use super::stack::Stack;
use crate::flow::{JoinKind, Modules, Step, Steps};
use crate::lookup::find_row;
use crate::{Mode, ModuleKind, Path, Plan};

/// A model under the columns of its plan, and where layouts first did not meet in each.
pub(super) struct Model {
    plan: &'static Plan,
    columns: usize,
    pub(super) conflicts: [Option<Conflict>; Mode::ALL.len()],
}

/// An activation, once for each column.
pub(super) type Activations = [Activation; Mode::ALL.len()];

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
            conflicts: [None, None],
        }
    }

    /// Follows the whole model.
    pub(super) const fn follow(&mut self) {
        let mut steps = Steps::new(self.plan.node, Modules::Any(self.plan));
        let mut stack = Stack::new([Activation::UNKNOWN; Mode::ALL.len()]);
        while let Some(step) = steps.next() {
            match step {
                Step::Layer(kind) => self.layer(kind, steps.path(), stack.top_mut()),
                Step::Undeclared(_) => *stack.top_mut() = [Activation::UNKNOWN; Mode::ALL.len()],
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
                Step::Join(kind) => {
                    let second = *stack.top();
                    stack.pop();
                    self.join(kind, stack.top_mut(), &second);
                    if matches!(kind, JoinKind::Residual) {
                        stack.copy(0);
                    }
                }
            }
        }
    }

    const fn layer(
        &mut self,
        kind: ModuleKind,
        path: &Path<'static>,
        activations: &mut Activations,
    ) {
        let found = find_row(self.plan, path, 0);
        let mut column = 0;
        while column < self.columns {
            let mode = Mode::ALL[column];
            if let Err(conflict) = layer(mode, kind, path, found, &mut activations[column]) {
                self.fail(column, conflict, &mut activations[column]);
            }
            column += 1;
        }
    }

    const fn join(&mut self, kind: JoinKind, first: &mut Activations, second: &Activations) {
        let mut column = 0;
        while column < self.columns {
            if !join(&mut first[column], &second[column]) {
                let conflict = ConflictKind::Join {
                    kind,
                    first: first[column],
                    second: second[column],
                };
                self.fail(column, conflict, &mut first[column]);
            }
            column += 1;
        }
    }

    /// Keeps the first conflict of a column; the activation then meets everything.
    const fn fail(&mut self, column: usize, conflict: ConflictKind, activation: &mut Activation) {
        if self.conflicts[column].is_none() {
            self.conflicts[column] = Some(Conflict::new(Mode::ALL[column], conflict));
        }
        *activation = Activation::UNKNOWN;
    }

    /// Whether activations placed like `before` are known to be placed alike `after` a layer.
    const fn settled(&self, before: &Activations, after: &Activations) -> bool {
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
const fn leave_struct(activations: &mut Activations) {
    activations[0].may_be_heads = false;
    activations[1].may_be_heads = false;
}
