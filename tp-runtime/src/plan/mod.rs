//! Plans: what a table says, whether it fits a model, and what it makes of one. Knows nothing of torch.

mod degrees;
mod error;
mod parameters;
mod placement_error;
mod registry;
mod resolve;
mod styled_layer;

pub use degrees::{Degrees, SplitHeads};
pub use error::PlanError;
pub use placement_error::PlacementError;
#[doc(hidden)]
pub use registry::PlanEntry;
pub use registry::{plan_for, plan_for_architecture, plan_named, plans};
pub use resolve::{Resolution, ResolvedLayer, resolve, valid_degrees};
pub use tp_plan::*;
