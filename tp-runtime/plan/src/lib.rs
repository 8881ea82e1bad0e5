//! What a tensor-parallel plan says, and what it makes of layouts.
//!
//! Everything here is a constant or a `const fn`: rustc evaluates it to check a plan, the macro
//! asks it what may be written, and the runtime carries it out. No torch, no dependency.

pub mod check;
mod chunk;
mod collective;
mod difference;
mod fingerprint;
pub mod flow;
mod layout;
mod lookup;
pub mod nearest;
mod path;
pub mod pattern;
mod placement;
mod rows;
mod rule;
mod rules;
mod sizes;
mod style;
mod table;
mod text;
mod tree;
pub mod words;

pub use chunk::chunk;
pub use collective::{Collective, NoCollective, Redistribution};
pub use difference::{RowDifference, Said, differences};
pub use layout::{Access, Giving, Layout, Mismatch, Reading, Side};
pub use path::Path;
pub use placement::Placement;
pub use rows::{PlanRow, row_of, rows};
pub use rule::{Argument, Makes, Reads, Rule};
pub use rules::{FEATURES, SEQUENCE, WHOLE};
pub use sizes::{Size, Weight};
pub use style::{Style, StyleKind};
pub use table::{Item, Mode, Plan, Row};
pub use text::Text;
pub use tree::{Arity, Child, CustomKind, ModuleKind, Node, Stage};
