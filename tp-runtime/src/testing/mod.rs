//! Holds a model to what transformers computes, on any number of ranks; behind the feature `testing`.
//!
//! A *fixture* is a folder with a tiny checkpoint and `reference.safetensors`: what transformers
//! computes from it. `tests/fixtures/make.py` of this project writes both from a table of configs.
//! [`Parity`] compares a model with all of it:
//!
//! ```no_run
//! # mod my_models {}
//! use my_models as _;
//! use tp_runtime::testing::Parity;
//!
//! # /*
//! #[test]
//! # */
//! fn granite_is_that_of_transformers() {
//!     Parity::of("tests/fixtures/granite").degrees([1, 2, 4]).check();
//! }
//! # granite_is_that_of_transformers();
//! ```
//!
//! With `TP_TEST_DEVICE=cuda` in the environment it does so on GPUs.
//!
//! The rest is for tests that ask for something else: [`on_ranks`] runs a model in a [`Setting`], a
//! [`Fixture`] has the tensors, and [`assert_close`] compares them. [`record`] tells which layers feed
//! which.

mod checks;
mod compare;
mod fixture;
mod parity;
mod setting;

pub use crate::module::recording::{Edge, record};
pub use compare::{Tolerance, assert_close};
pub use fixture::Fixture;
pub use parity::Parity;
pub use setting::{Setting, device, on_ranks, settings};
