//! Plans: what a table says, whether it fits a model, and what it makes of one. Knows nothing of torch.

mod parameters;
mod registry;
mod resolve;
mod styled_layer;

pub use crate::error::{PlacementError, PlanError};
#[doc(hidden)]
pub use registry::PlanEntry;
pub use registry::{plan_for, plan_for_architecture, plan_named, plans};
pub use resolve::{Resolution, ResolvedLayer, resolve};
pub use tp_plan::*;
