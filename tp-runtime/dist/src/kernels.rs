//! Operations that `tch` does not bind, or that libtorch has slower.

pub use crate::ffi::{FusedAdamW, linear, rms_norm, rotate};
