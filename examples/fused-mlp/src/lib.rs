//! A layer that `tp-runtime` does not have, and a model whose MLPs are made with it.

mod gated_projection;
mod model;

pub use gated_projection::{GATED_PROJECTION, GatedProjection};
pub use model::{FusedForCausalLM, MLP};
