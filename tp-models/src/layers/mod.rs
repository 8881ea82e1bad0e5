//! What several architectures share, for those of other crates, too.

#[cfg(feature = "torch")]
mod attention;
mod classes;
mod decoder;
mod decoder_config;
mod fields;
mod gated_mlp;
mod grouped_query;
#[cfg(feature = "torch")]
mod image_positions;
mod language_head;
mod layer_type;
mod pre_norm_layer;
mod refused;
mod sizes;

pub use classes::Classes;
pub use decoder::{Decoder, DecoderLayer};
pub use decoder_config::DecoderConfig;
pub use gated_mlp::GatedMlp;
pub use grouped_query::GroupedQuery;
pub use language_head::language_head;
pub use layer_type::LayerType;
pub use pre_norm_layer::{PreNormLayer, SelfAttention};

pub(crate) use fields::{fields, of_type, with_rope_type};
pub(crate) use sizes::{TOWER, require_inner};

#[cfg(feature = "torch")]
pub(crate) use gated_mlp::gate;
#[cfg(feature = "torch")]
pub use {
    attention::{LayerContext, project_heads},
    decoder::run_layers,
    image_positions::fill_image_positions,
    language_head::logits,
};
