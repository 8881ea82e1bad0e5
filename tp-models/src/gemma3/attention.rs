//! Gemma 3's attention.
//!
//! Shapes: B batch, S sequence, H hidden. Every shape is that of the whole tensor.

use tp_runtime::Module;
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::{Linear, RmsNorm};

use super::Gemma3TextConfig;
use crate::layers::{DecoderConfig, GroupedQuery};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, project_heads},
    tp_runtime::Result,
    tp_runtime::dtensor::DTensor,
};

/// Grouped-query attention with rotary positions; queries and keys are normalized head by head.
#[derive(Module)]
#[flow((q_proj -> q_norm), (k_proj -> k_norm), v_proj -> o_proj)]
pub struct Gemma3Attention {
    #[module(weight = [num_attention_heads, hidden_size])]
    q_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    k_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    v_proj: Linear,
    #[module(weight = [hidden_size, num_attention_heads])]
    o_proj: Linear,
    q_norm: RmsNorm,
    k_norm: RmsNorm,
    #[module(skip)]
    heads: GroupedQuery,
    #[module(skip)]
    scale: f64,
    #[module(skip)]
    attention_dropout: Dropout,
}

impl Gemma3Attention {
    pub(super) fn new(
        decoder: &DecoderConfig,
        heads: GroupedQuery,
        config: &Gemma3TextConfig,
    ) -> Self {
        let bias = config.attention_bias;
        let head_norm = || RmsNorm::one_plus(heads.head_dim, decoder.norm_eps);
        Self {
            q_proj: heads.query(bias),
            k_proj: heads.key_value(bias),
            v_proj: heads.key_value(bias),
            o_proj: heads.output(bias),
            q_norm: head_norm(),
            k_norm: head_norm(),
            heads,
            scale: config.query_pre_attn_scalar.powf(-0.5),
            attention_dropout: decoder.attention_dropout,
        }
    }
}

#[cfg(feature = "torch")]
impl Gemma3Attention {
    /// `[B, S, H]` → `[B, S, H]`
    pub(super) fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let (q, k) = (self.q_norm.forward(&q)?, self.k_norm.forward(&k)?);
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let mixed = context.attend(&q, &k, &v, self.scale, self.attention_dropout)?;
        self.o_proj.forward(&mixed)
    }
}
