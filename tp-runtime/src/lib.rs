//! Executes tensor-parallel plans over libtorch.
//!
//! Without the `torch` feature this crate holds what a plan *is* ([`plan`]) and what a model
//! *looks like* ([`module`]): enough to write, check and explain plans with no libtorch installed.

// Lets `::tp_runtime::…`, which the macros emit, name this crate from inside it too.
extern crate self as tp_runtime;

#[cfg(feature = "torch")]
pub mod checkpoint;
#[cfg(feature = "torch")]
pub mod comm;
pub mod config;
#[cfg(feature = "torch")]
pub mod dtensor;
pub mod error;
pub mod explain;
#[cfg(feature = "torch")]
pub mod ffi;
#[cfg(feature = "torch")]
pub mod generate;
#[cfg(feature = "torch")]
pub mod loss;
#[cfg(feature = "torch")]
pub mod mesh;
pub mod model;
pub mod module;
pub mod nn;
#[cfg(feature = "torch")]
pub mod optim;
#[cfg(feature = "torch")]
pub mod parallel;
pub mod plan;

pub use error::{Error, Result};
pub use module::Module;
pub use plan::{Mode, Placement, Plan, Style};
pub use tp_macros::tp_plan;

/// The text a panic was raised with.
#[cfg(feature = "torch")]
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

/// What the macros' expansions name; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
}
