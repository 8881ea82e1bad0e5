//! What a tensor-parallel plan says, and what it makes of layouts.
//!
//! Everything here is a constant or a `const fn`: rustc evaluates it to check a plan, the macro
//! asks it what may be written, and the runtime carries it out. No torch, no dependency.

mod argument;
pub mod braces;
pub mod check;
mod chunk;
mod collective;
mod degrees;
mod fingerprint;
pub mod flow;
mod heads;
mod layout;
mod lookup;
pub mod nearest;
mod partition;
mod path;
pub mod pattern;
mod placement;
pub mod python;
mod row_difference;
mod rows;
mod rule;
mod rules;
mod sharding;
mod sizes;
mod style;
mod table;
mod text;
mod tree;
pub mod words;

pub use argument::{Argument, ArgumentValue};
pub use chunk::chunk;
pub use collective::{Collective, NoCollective, Redistribution};
pub use degrees::{EvenDegrees, SplitHeads};
pub use heads::HeadShares;
pub use layout::{Access, Giving, Layout, Mismatch, Reading, Side};
pub use partition::{Division, Partition, SharedPart};
pub use path::Path;
pub use placement::Placement;
pub use row_difference::{Cell, RowDifference, row_differences};
pub use rows::{PlanRow, row_of, rows};
pub use rule::{Makes, Reads, Rule};
pub use rules::{FEATURES, LOW_RANK_DOWN, LOW_RANK_UP, SEQUENCE, WHOLE};
pub use sharding::Sharding;
pub use sizes::{Divided, Size, Weight};
pub use style::{Style, StyleKind};
pub use table::{Item, Mode, Plan, Row};
pub use text::Text;
pub use tree::{Arity, Child, CustomKind, ModuleKind, Node, Stage};
