//! Training on a mesh of data-parallel and tensor-parallel ranks.
//!
//! A [`Trainer`] sums the gradients of micro-batches over all ranks, divides by the number of labels of the
//! whole global batch, clips by the norm of the whole model, and updates each element on the ranks that
//! keep its state. What the data-parallel ranks divide among themselves is a matter of memory alone:
//! see [`Zero`]. So is what is computed again: see [`Recompute`].

mod batch_size;
mod layout;
mod norm;
mod options;
mod sampler;
mod state;
mod trainer;
mod unit;
mod units;

pub use crate::error::TrainError;
pub use batch_size::BatchSize;
pub use options::{Recompute, TrainOptions, Zero};
pub use sampler::Sampler;
pub use trainer::{Gradients, MicroBatch, Trainer};
