//! Optimization of sharded parameters: each rank updates its own part.

mod adamw;
mod clip;
mod part;
mod schedule;

pub use adamw::{AdamW, AdamWOptions, Decayed};
pub use clip::{clip_gradients, gradient_norm};
pub use part::Part;
pub use schedule::{Schedule, Shape};

use tch::Tensor;

use crate::Result;

/// What changes parameters by their gradients.
///
/// It is made of the [`Part`]s that this rank updates, and treats each element by itself: the elements
/// of one parameter may lie on several ranks.
pub trait Optimizer {
    /// Changes every part that has a gradient.
    ///
    /// # Errors
    /// When libtorch refuses the update.
    fn step(&mut self, learning_rate: f64) -> Result<()>;

    /// What it keeps of each part, by name: tensors of the parts' shapes, in their order, which are written
    /// over when a job goes on.
    fn state(&self) -> Vec<(&'static str, &[Tensor])>;

    /// Tells it how many steps the state is of.
    ///
    /// # Errors
    /// When libtorch cannot keep the number.
    fn set_steps_taken(&mut self, steps: u64) -> Result<()>;
}
