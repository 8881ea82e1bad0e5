//! Executes tensor-parallel plans over libtorch.
//!
//! Without the `torch` feature this crate holds what a plan *is* ([`plan`]) and what a model
//! *looks like* ([`module`]): enough to write, check and explain plans with no libtorch installed.

// Lets `::tp_runtime::…`, which the macros emit, name this crate from inside it too.
extern crate self as tp_runtime;

#[cfg(feature = "torch")]
pub mod checkpoint;
pub mod config;
pub mod error;
#[cfg(feature = "torch")]
mod ffi;
pub mod module;
#[cfg(feature = "torch")]
pub mod nn;
pub mod plan;

pub use error::{Error, Result};
pub use module::Module;
pub use plan::{Mode, Placement, Plan, Style};
