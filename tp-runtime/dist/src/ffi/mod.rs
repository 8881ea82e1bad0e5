//! The C++ shim, which offers what `tch` does not bind, and the maps of files.
#![allow(unsafe_code)]

mod adamw;
mod autograd;
pub(crate) mod c10d;
#[cfg(feature = "nccl")]
mod cuda;
mod error;
mod linear;
mod map;
mod memory;
mod pinned;
mod rms_norm;
mod rotate;
mod tensor;

#[cfg(feature = "nccl")]
pub(crate) use cuda::{Graph, forbid_waits};

pub use adamw::FusedAdamW;
pub(crate) use autograd::{
    attach, backward, is_recorded, is_recording, is_unshared, run_backward_on_this_thread,
    set_gradient,
};
pub use linear::linear;
pub use map::MappedFile;
pub(crate) use memory::{start_measuring, stop_measuring};
pub(crate) use pinned::pinned;
pub use rms_norm::rms_norm;
pub use rotate::rotate;
