//! Layers.

/// What a layer is told about its style and its ranks.
pub struct Placed;
