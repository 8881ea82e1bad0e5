//! The layer that most decoders have, around an attention of their own.
//!
//! Shapes: B batch, S sequence, H hidden.

use tp_runtime::Module;
use tp_runtime::nn::RmsNorm;

use super::{DecoderLayer, GatedMlp};

#[cfg(feature = "torch")]
use {super::LayerContext, tp_runtime::Result, tp_runtime::dtensor::DTensor};

/// The attention of a [`PreNormLayer`].
pub trait SelfAttention: Module {
    /// What transformers calls the decoder of layers with this attention.
    const DECODER: &'static str;

    /// `[B, S, H]` → `[B, S, H]`
    ///
    /// # Errors
    /// When layouts do not meet or a collective fails.
    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor>;
}

/// Attention and gated MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct PreNormLayer<A: SelfAttention> {
    /// Mixes positions.
    pub self_attn: A,
    /// Mixes features.
    pub mlp: GatedMlp,
    /// What attention reads.
    pub input_layernorm: RmsNorm,
    /// What the MLP reads.
    pub post_attention_layernorm: RmsNorm,
    /// See [`DecoderLayer::window`].
    #[module(skip)]
    pub window: Option<i64>,
}

impl<A: SelfAttention> DecoderLayer for PreNormLayer<A> {
    const DECODER: &'static str = A::DECODER;

    fn window(&self) -> Option<i64> {
        self.window
    }

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        // 1. attention
        let h = self.input_layernorm.forward(x)?;
        let x = x.add(&self.self_attn.forward(&h, context)?)?;
        // 2. MLP
        let h = self.post_attention_layernorm.forward(&x)?;
        x.add(&self.mlp.forward(&h)?)
    }
}
