//! The steps of attention that architectures share.
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension.

use tp_runtime::Result;
use tp_runtime::dropout::{Dropout, DropoutKey};
use tp_runtime::dtensor::DTensor;
use tp_runtime::nn::{Attention, AttentionMask, LayerCache, Linear, Positions, RotaryTables};

/// What a layer reads in one forward besides its input.
pub struct LayerContext<'a> {
    /// Where the tokens stand.
    pub positions: &'a Positions,
    /// The rotation to these positions.
    pub rotary: &'a RotaryTables,
    /// What each token sees.
    pub mask: &'a AttentionMask,
    /// The keys and values of the tokens before.
    pub cache: Option<LayerCache<'a>>,
    /// What dropout goes by, in training.
    pub dropout_key: Option<&'a DropoutKey>,
}

impl LayerContext<'_> {
    /// Mixes values by how queries match keys, of which `dropout` drops some, and puts the heads side by side again.
    ///
    /// # Shapes
    /// `[B, S, A, D]` and twice `[B, S, K, D]` → `[B, S, A D]`
    ///
    /// # Errors
    /// As [`Attention::forward`].
    pub fn attend(
        self,
        queries: &DTensor,
        keys: &DTensor,
        values: &DTensor,
        scale: f64,
        dropout: Dropout,
    ) -> Result<DTensor> {
        let attention = Attention {
            mask: self.mask,
            scale,
            dropout,
            dropout_key: self.dropout_key,
            cache: self.cache,
        };
        attention.forward(queries, keys, values)?.merge_heads()
    }
}

/// The queries, keys and values of `x`, each cut into heads of `head_dim` features.
///
/// # Shapes
/// `[B, S, H]` → `[B, S, A, D]` and twice `[B, S, K, D]`
///
/// # Errors
/// When layouts do not meet or a collective fails.
pub fn project_heads(
    x: &DTensor,
    projections: [&Linear; 3],
    head_dim: i64,
) -> Result<[DTensor; 3]> {
    let [q, k, v] = projections;
    let heads = |projection: &Linear| projection.forward(x)?.split_heads(head_dim);
    Ok([heads(q)?, heads(k)?, heads(v)?])
}
