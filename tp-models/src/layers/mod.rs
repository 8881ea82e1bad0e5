//! What several architectures share.

mod gated_mlp;
mod grouped_query;
#[cfg(feature = "torch")]
mod image_positions;
mod layer_type;

pub use gated_mlp::GatedMlp;
pub use layer_type::LayerType;

pub(crate) use grouped_query::GroupedQuery;
#[cfg(feature = "torch")]
pub(crate) use image_positions::fill_image_positions;
#[cfg(feature = "torch")]
pub(crate) use layer_type::LayerMasks;
