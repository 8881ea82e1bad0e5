//! What a plan makes of a model: memory and collectives, worked out from shapes alone.
//!
//! [`explain`] walks the flow that a model declares (`#[flow(..)]`) with placements only, by the rules its
//! layers follow when they run; no weight is read and nothing is sent.

mod activations;
mod autograd;
mod bytes;
mod call;
mod cost_comparison;
mod flow;
mod fold;
mod groups;
mod heads;
mod layers;
mod loss;
mod memory;
mod plan_diff;
mod replicated;
mod report;
mod saved_tensors;
mod setup;
mod text;
mod text_table;
mod training;
mod view;

pub use crate::error::ExplainError;
pub use bytes::Bytes;
pub use call::{CollectiveCall, Count, Traffic};
pub use cost_comparison::{CostComparison, Costs};
pub use groups::{CallGroup, LayerGroup};
pub use heads::HeadReport;
pub use memory::{LayerReport, Memory, ParameterReport, Replicated};
pub use plan_diff::PlanDiff;
pub use report::{Explanation, explain};
pub use setup::{Dtype, Setup};
pub use training::{
    Purpose, RankGroup, StepTraffic, TrainingCosts, TrainingMemory, TrainingSetup, explain_training,
};
