//! Layers.

/// A layer's style and ranks.
pub struct Placed;
