//! Optimization of sharded parameters: each rank updates its own part.

mod adamw;
mod clip;

pub use adamw::{AdamW, AdamWOptions};
pub use clip::{clip_gradients, gradient_norm};
