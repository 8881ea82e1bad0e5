//! What a plan makes of a model: memory and collectives, worked out from shapes alone.
//!
//! [`explain`] walks the flow that a model declares (`#[flow(..)]`) with placements only, by the rules its
//! layers follow when they run; no weight is read and nothing is sent.

mod activations;
mod beside;
mod call;
mod comparison;
mod error;
mod flow;
mod fold;
mod layers;
mod loss;
mod memory;
mod report;
mod setup;
mod size;
mod table;
mod text;
mod whole;

pub use beside::Beside;
pub use call::{Call, Count, Traffic};
pub use comparison::{Comparison, Costs};
pub use error::ExplainError;
pub(crate) use fold::neighbours;
pub use memory::{LayerReport, Memory, ParameterReport, Replicated};
pub use report::{Explanation, explain};
pub use setup::{Dtype, Setup};
