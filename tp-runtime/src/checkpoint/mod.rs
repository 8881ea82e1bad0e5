//! Checkpoints in the Hugging Face layout: `config.json` beside safetensors files.
//!
//! [`Checkpoint`] opens a folder and reads single tensors or chunks of them, [`load`] gives every
//! parameter of a model its part, [`save`] writes a folder back, [`initialize`] starts from nothing.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use tch::{Device, Kind};
//! use tp_runtime::checkpoint::Checkpoint;
//! use tp_runtime::plan::chunk;
//!
//! // What rank 1 of 4 holds of a column-parallel weight.
//! let checkpoint = Checkpoint::open(Path::new("models/llama"))?;
//! let name = "model.layers.0.mlp.up_proj.weight";
//! let rows = chunk(checkpoint.config()["intermediate_size"].as_i64().unwrap_or(0), 1, 4);
//! let local = checkpoint.read_chunk(name, 0, rows, Kind::BFloat16, Device::Cpu)?;
//! println!("{:?}, {} bytes read", local.size(), checkpoint.bytes_read());
//! # Ok::<(), tp_runtime::Error>(())
//! ```

mod companion;
mod disk;
mod dtype;
mod finding;
mod folder;
mod index;
mod initialize;
mod load;
mod names;
mod prefix;
mod reader;
mod safetensors_file;
mod save;
mod scales;
mod slices;
mod staging;
mod stored;
mod weights;
mod writer;

pub use crate::error::{CheckpointError, Fault, Faults};
pub use companion::Companion;
pub use finding::Finding;
pub use initialize::initialize;
pub use load::{LoadOptions, LoadReport, load};
pub use reader::Checkpoint;
pub use save::save;
pub use stored::TensorInfo;
pub(crate) use {
    disk::{gone, put, sync},
    dtype::kind_of,
    safetensors_file::SafetensorsFile,
    save::{Layout, save_as},
    slices::runs,
    writer::{Entry, Writer},
};
