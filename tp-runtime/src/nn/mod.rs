//! The leaf layers of transformers: shapes and kinds always, execution with the `torch` feature.
//!
//! A layer knows its own arithmetic and what its style makes of it; it knows no architecture.

// Without execution a layer is a shape: what only its forward reads goes unread.
#![cfg_attr(not(feature = "torch"), allow(dead_code))]

mod activation;
#[cfg(feature = "torch")]
mod attention;
mod conv2d;
mod embedding;
#[cfg(feature = "torch")]
mod key_value_heads;
#[cfg(feature = "torch")]
mod kv_cache;
mod layer_norm;
mod linear;
mod parameter;
#[cfg(feature = "torch")]
mod positions;
mod rms_norm;
mod rope;
mod rotary;

pub use activation::Activation;
pub use conv2d::Conv2d;
pub use embedding::Embedding;
pub use layer_norm::LayerNorm;
pub use linear::{Linear, LinearShape};
pub use parameter::Parameter;
pub use rms_norm::RmsNorm;
pub use rotary::RotaryEmbedding;

#[cfg(feature = "torch")]
pub use attention::{Attention, AttentionMask};
#[cfg(feature = "torch")]
pub use kv_cache::{KvCache, LayerCache};
#[cfg(feature = "torch")]
pub use positions::Positions;
#[cfg(feature = "torch")]
pub use rotary::RotaryTables;
