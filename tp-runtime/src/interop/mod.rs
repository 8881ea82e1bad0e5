//! Plans from and to Python: transformers' `tp_plan` and PyTorch's `parallelize_module`.
//!
//! ```
//! use serde_json::json;
//! use tp_runtime::interop::{Import, PlanSource};
//!
//! # fn main() -> Result<(), tp_runtime::interop::InteropError> {
//! let import = Import::from_json(&json!({
//!     "layers.*.mlp.gate_proj": "colwise",
//!     "layers.*.mlp.up_proj": "colwise",
//!     "layers.*.mlp.down_proj": "RowwiseParallel(output_layouts=Replicate())",
//! }))?;
//! let table = PlanSource {
//!     import: &import,
//!     model: None,
//!     name: "MLP",
//!     alternate: None,
//!     doc: "Only the MLPs.",
//! };
//! assert!(table.to_string().contains(r#""layers.*.mlp.{gate,up}_proj" => Colwise,"#));
//! # Ok(())
//! # }
//! ```

mod around;
mod as_plan;
mod entry;
mod error;
mod expression;
mod fit;
mod gathers;
mod import;
mod json;
mod lasting;
mod plan_source;
mod python;
mod style;
mod words;

pub use error::{EntryError, EntryErrorKind, InteropError};
pub use fit::Fit;
pub use import::{Columns, Import, ImportedRow};
pub(crate) use json::entry;
pub use json::json;
pub use plan_source::PlanSource;
pub use python::python;
