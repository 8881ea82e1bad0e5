//! What a model is given: token ids, and what else it takes, each under its name in transformers.

mod input;
#[cfg(feature = "torch")]
mod tensors;

pub use input::{Extent, Input};
#[cfg(feature = "torch")]
pub use tensors::Inputs;
#[cfg(feature = "torch")]
pub(crate) use tensors::{Accepted, check_range};
