//! The leaf layers of transformers: shapes and kinds always, execution with the `torch` feature.
//!
//! A layer knows its own arithmetic and what its style makes of it; it knows no architecture.

// Without execution a layer is a shape: what only its forward reads goes unread.
#![cfg_attr(not(feature = "torch"), allow(dead_code))]

#[cfg(feature = "torch")]
mod attention;
mod embedding;
#[cfg(feature = "torch")]
mod kv_cache;
mod leaf;
mod linear;
mod norm;
#[cfg(feature = "torch")]
mod placed;
mod rope;
mod rotary;

pub use embedding::Embedding;
pub use linear::{Linear, LinearShape};
pub use norm::RmsNorm;
pub use rotary::RotaryEmbedding;

#[cfg(feature = "torch")]
pub use attention::{Attention, AttentionMask};
#[cfg(feature = "torch")]
pub use kv_cache::{KvCache, LayerCache};
#[cfg(feature = "torch")]
pub use placed::Placed;
#[cfg(feature = "torch")]
pub use rotary::RotaryTables;
