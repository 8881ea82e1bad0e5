//! What several architectures share, for those of other crates, too.

mod gated_mlp;
mod grouped_query;
#[cfg(feature = "torch")]
mod image_positions;
mod language_head;
mod layer_type;

pub use gated_mlp::GatedMlp;
pub use grouped_query::GroupedQuery;
pub use language_head::language_head;
pub use layer_type::LayerType;
#[cfg(feature = "torch")]
pub use {image_positions::fill_image_positions, language_head::logits, layer_type::LayerMasks};
