//! What at least three architectures share.

mod gated_mlp;
mod grouped_query;
mod layer_type;

pub use gated_mlp::GatedMlp;
pub use layer_type::LayerType;

pub(crate) use grouped_query::GroupedQuery;
#[cfg(feature = "torch")]
pub(crate) use layer_type::LayerMasks;
