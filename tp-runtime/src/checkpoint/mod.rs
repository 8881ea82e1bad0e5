//! Checkpoints in the Hugging Face layout: `config.json` beside safetensors files.
//!
//! [`Checkpoint`] opens a folder and reads single tensors or chunks of them, [`load`] gives every
//! parameter of a model its part, [`save`] writes a folder back, [`initialize`] starts from nothing.

mod dtype;
mod error;
mod faults;
mod folder;
mod index;
mod initialize;
mod load;
mod names;
mod open;
mod safetensors_file;
mod save;
mod slices;
mod staging;
mod writer;

pub use error::CheckpointError;
pub use faults::{Fault, Faults};
pub use initialize::initialize;
pub use load::{LoadOptions, LoadReport, load};
pub use open::{Checkpoint, TensorInfo};
pub use save::save;
