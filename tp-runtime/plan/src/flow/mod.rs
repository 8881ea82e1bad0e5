//! The flow of a model's forward, as its structs declare it, and the one walk that follows it.

mod follow;
mod steps;

pub use follow::{Follow, follow};
pub use steps::{JoinKind, Modules, Step, Steps};
