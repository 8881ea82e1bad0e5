//! Plans: what a table says, whether it fits a model, and what it makes of one. Knows nothing of torch.

pub mod check;
mod chunk;
mod collective;
mod degrees;
mod error;
mod fingerprint;
mod json;
pub(crate) mod nearest;
mod parameters;
pub mod pattern;
mod placement;
mod placement_error;
mod registry;
mod resolve;
mod rows;
mod style;
mod table;
mod text;
mod tree;
pub(crate) mod words;

pub use chunk::chunk;
pub use collective::{Collective, NoCollective, Redistribution};
pub use degrees::{Degrees, SplitHeads};
pub use error::PlanError;
pub(crate) use json::entry;
pub use json::json;
pub use placement::Placement;
pub use placement_error::PlacementError;
pub use registry::{plan_for, plan_for_architecture, plan_named, plans};
pub use resolve::{Resolution, ResolvedLayer, resolve, valid_degrees};
pub use rows::{PlanRow, rows};
pub use style::{Style, StyleKind};
pub use table::{Item, Mode, Plan, Row};
pub use text::Text;
pub use tree::{Arity, Child, ModuleKind, Node, Stage};
