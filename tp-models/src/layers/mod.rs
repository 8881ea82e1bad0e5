//! What at least three architectures share, for those of other crates, too.

mod gated_mlp;
mod grouped_query;
mod layer_type;

pub use gated_mlp::GatedMlp;
pub use grouped_query::GroupedQuery;
#[cfg(feature = "torch")]
pub use layer_type::LayerMasks;
pub use layer_type::LayerType;
