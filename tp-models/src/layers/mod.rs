//! What several architectures share, for those of other crates, too.

mod gated_mlp;
mod grouped_query;
#[cfg(feature = "torch")]
mod image_positions;
mod layer_type;

pub use gated_mlp::GatedMlp;
pub use grouped_query::GroupedQuery;
pub use layer_type::LayerType;
#[cfg(feature = "torch")]
pub use {image_positions::fill_image_positions, layer_type::LayerMasks};
