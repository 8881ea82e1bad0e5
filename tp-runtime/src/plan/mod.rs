//! Plans: what a table says, whether it fits a model, and what it makes of one. Knows nothing of torch.

pub mod check;
mod chunk;
mod collective;
mod error;
mod nearest;
pub mod pattern;
mod placement;
mod style;
mod table;
mod text;
mod tree;

pub use chunk::chunk;
pub use collective::{Collective, NoCollective, Redistribution};
pub use error::PlanError;
pub use placement::Placement;
pub use style::{Style, StyleKind};
pub use table::{Item, Mode, Plan, Row};
pub use text::Text;
pub use tree::{Arity, Child, ModuleKind, Node, Stage};
