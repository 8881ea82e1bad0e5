//! The C++ shim: what libtorch offers and `tch` does not bind.
#![allow(unsafe_code)]

mod adamw;
mod autograd;
pub(crate) mod c10d;
mod error;
pub(crate) mod map;

pub(crate) use adamw::FusedAdamW;
pub use autograd::attach_backward;
pub(crate) use autograd::{is_recorded, is_unshared, run_backward_on_this_thread};
