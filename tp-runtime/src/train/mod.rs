//! Training on a mesh of data-parallel and tensor-parallel ranks.
//!
//! A `Trainer` sums the gradients of micro-batches over all ranks, divides by the number of labels of the
//! whole global batch, clips by the norm of the whole model, and updates each element on the ranks that
//! keep its state. What the data-parallel ranks divide among themselves is a matter of memory alone:
//! see [`Zero`]. So is what is computed again: see [`Recompute`].
//!
//! Without the feature `torch` this holds the settings and the sizes that
//! [`explain`](crate::explain::explain_training) works costs out from.

#[cfg(feature = "torch")]
mod epochs;
#[cfg(feature = "torch")]
mod norm;
#[cfg(feature = "torch")]
mod sampler;
#[cfg(feature = "torch")]
mod state;
#[cfg(feature = "testing")]
mod state_bytes;
#[cfg(feature = "torch")]
mod trainer;
#[cfg(feature = "torch")]
mod unit;
#[cfg(feature = "torch")]
mod units;

pub use crate::data_parallel::{BatchSize, Recompute, TrainOptions, Zero};
pub use crate::error::TrainError;
#[cfg(feature = "testing")]
pub use state_bytes::StateBytes;
#[cfg(feature = "torch")]
pub use {
    epochs::Epochs,
    sampler::Sampler,
    trainer::{Gradients, MicroBatch, Trainer},
};
