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
                Step::Layer(path, kind) => {
                    let output = self.layer(kind, path, *stack.top());
                    stack.replace(output);
                }
                Step::Undeclared(..) => stack.replace([Activation::UNKNOWN; Mode::ALL.len()]),
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
                Step::Join(kind) => {
                    let joined = self.join(kind, *stack.below(1), *stack.top());
                    stack.drop_below();
                    stack.replace(joined);
                    if matches!(kind, JoinKind::Residual) {
                        stack.push(joined);
                    }
                }
            }
        }
    }

    const fn layer(
        &mut self,
        kind: ModuleKind,
        path: Path<'static>,
        input: Activations,
    ) -> Activations {
        let found = find_row(self.plan, &path, 0);
        let mut output = input;
        let mut column = 0;
        while column < self.columns {
            let result = layer(Mode::ALL[column], kind, path, found, &input[column]);
            output[column] = self.or_unknown(column, result);
            column += 1;
        }
        output
    }

    const fn join(
        &mut self,
        kind: JoinKind,
        first: Activations,
        second: Activations,
    ) -> Activations {
        let mut joined = first;
        let mut column = 0;
        while column < self.columns {
            let result = join(kind, &first[column], &second[column]);
            joined[column] = self.or_unknown(column, result);
            column += 1;
        }
        joined
    }

    /// The activation, or one that meets everything once the conflict is kept.
    const fn or_unknown(
        &mut self,
        column: usize,
        result: Result<Activation, ConflictKind>,
    ) -> Activation {
        match result {
            Ok(activation) => activation,
            Err(kind) => {
                if self.conflicts[column].is_none() {
                    self.conflicts[column] = Some(Conflict::new(Mode::ALL[column], kind));
                }
                Activation::UNKNOWN
            }
        }
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

const fn outside(activations: Activations) -> Activations {
    [activations[0].outside(), activations[1].outside()]
}
