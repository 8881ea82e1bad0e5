//! What data-parallel ranks divide: batches, and with the stages of ZeRO what they keep.
//!
//! Training does it, and `explain` works out what it costs; neither needs libtorch for that.

mod batch_size;
mod layout;
mod members;
mod options;
#[cfg(feature = "torch")]
mod runs;

pub use batch_size::BatchSize;
pub(crate) use layout::Layout;
pub(crate) use members::{layer, members};
pub use options::{Recompute, TrainOptions, Zero};
#[cfg(feature = "torch")]
pub(crate) use runs::Run;
