//! The walk for a program, which may keep what it likes of each activation.

use super::{JoinKind, Modules, Step, Steps};
use crate::{ModuleKind, Node, Path};

/// What one who follows a forward makes of its activations.
pub trait Follow {
    /// An activation.
    type Activation: Clone;
    /// Why it cannot be followed further.
    type Error;

    /// What the layer makes of `input`.
    ///
    /// # Errors
    /// When it cannot read the input.
    fn layer(
        &mut self,
        path: &Path<'_>,
        kind: ModuleKind,
        input: Self::Activation,
    ) -> Result<Self::Activation, Self::Error>;

    /// What two activations make that are joined.
    ///
    /// # Errors
    /// When they cannot be computed with together.
    fn join(
        &mut self,
        kind: JoinKind,
        first: Self::Activation,
        second: Self::Activation,
    ) -> Result<Self::Activation, Self::Error>;

    /// What a struct makes of `input` that does not declare its flow.
    ///
    /// # Errors
    /// When that has to be known.
    fn undeclared(
        &mut self,
        path: &Path<'_>,
        node: &'static Node,
        input: Self::Activation,
    ) -> Result<Self::Activation, Self::Error>;
}

/// Follows the forward of the model `node` from `input` to its output.
///
/// # Errors
/// The first of `follower`'s.
pub fn follow<F: Follow>(
    node: &'static Node,
    modules: Modules<'_>,
    input: F::Activation,
    follower: &mut F,
) -> Result<F::Activation, F::Error> {
    let mut steps = Steps::new(node, modules);
    let mut below: Vec<F::Activation> = Vec::new();
    let mut top = input;
    while let Some(step) = steps.next() {
        match step {
            Step::Layer(kind) => top = follower.layer(steps.path(), kind, top)?,
            Step::Undeclared(node) => top = follower.undeclared(steps.path(), node, top)?,
            Step::Enter | Step::Copy(0) => below.push(top.clone()),
            Step::Copy(depth) => {
                let copy = below[below.len() - depth].clone();
                below.push(std::mem::replace(&mut top, copy));
            }
            Step::Leave | Step::Drop | Step::Element => {
                below.pop();
            }
            Step::Join(kind) => {
                if let Some(first) = below.pop() {
                    top = follower.join(kind, first, top)?;
                }
                if kind == JoinKind::Residual {
                    below.push(top.clone());
                }
            }
        }
    }
    Ok(top)
}
