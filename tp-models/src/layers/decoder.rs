//! A decoder without its head: token embeddings, layers of one architecture, a norm.
//!
//! Shapes: B batch, S sequence, H hidden.

use std::rc::Rc;

use tp_runtime::config::{ConfigError, RopeParameters};
use tp_runtime::nn::{Embedding, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result};

use super::DecoderConfig;

#[cfg(feature = "torch")]
use {
    super::LayerContext,
    std::collections::btree_map::{BTreeMap, Entry},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::module::recompute,
    tp_runtime::nn::{KvCache, Positions, RotaryTables},
};

/// One layer of a decoder: what tells one architecture from another.
pub trait DecoderLayer: Module {
    /// What transformers calls the decoder of such layers.
    const DECODER: &'static str;

    /// How many positions a token sees, the last of them its own; `None` for all there are.
    fn window(&self) -> Option<i64> {
        None
    }

    /// `[B, S, H]` → `[B, S, H]`
    ///
    /// # Errors
    /// When layouts do not meet or a collective fails.
    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor>;
}

/// A decoder of layers `L`.
#[derive(Module)]
#[module(name = L::DECODER)]
#[flow(embed_tokens -> layers -> norm)]
pub struct Decoder<L: DecoderLayer> {
    /// From tokens to vectors.
    #[module(weight = [vocab_size, hidden_size])]
    pub embed_tokens: Embedding,
    /// From vectors to vectors, one layer after another.
    pub layers: Rc<[L]>,
    /// What the head reads.
    pub norm: RmsNorm,
    /// Where tokens stand.
    pub rotary_emb: RotaryEmbedding,
}

impl<L: DecoderLayer> Decoder<L> {
    /// The decoder of these layers.
    ///
    /// # Errors
    /// When heads cannot be rotated as `rope` says.
    pub fn new(
        config: &DecoderConfig,
        rope: &RopeParameters,
        layers: impl IntoIterator<Item = L>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            embed_tokens: config.embedding(),
            layers: layers.into_iter().collect(),
            norm: config.rms_norm(),
            rotary_emb: RotaryEmbedding::new(config.heads()?.head_dim, rope)?,
        })
    }

    /// How many tokens it knows.
    pub fn vocabulary_size(&self) -> i64 {
        self.embed_tokens.weight().shape()[0]
    }

    /// The tokens' vectors at the end: `[B, S]` → `[B, S, H]`
    ///
    /// # Errors
    /// When layouts do not meet or a collective fails.
    #[cfg(feature = "torch")]
    pub fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let embeddings = self.embed_tokens.forward(&inputs.input_ids)?;
        self.decode(embeddings, inputs, cache)
    }

    /// What follows the embedding: `[B, S, H]` → `[B, S, H]`
    ///
    /// # Errors
    /// As [`Self::forward`].
    #[cfg(feature = "torch")]
    pub fn decode(
        &self,
        embeddings: DTensor,
        inputs: &Inputs,
        cache: Option<&mut KvCache>,
    ) -> Result<DTensor> {
        // 1. where the tokens stand
        let positions = Positions::new(inputs, cache.as_deref(), embeddings.kind());
        let rotary = Rc::new(self.rotary_emb.forward(&positions)?);
        // 2. layers
        let rotary = |_: &L| rotary.clone();
        let x = run_layers(&self.layers, embeddings, inputs, positions, rotary, cache)?;
        // 3. norm
        self.norm.forward(&x)
    }
}

/// Runs layers one after another, each with the rotation that `rotary` has for it; those that `inputs`
/// wants recomputed run again in the backward.
///
/// # Shapes
/// `[B, S, H]` → `[B, S, H]`
///
/// # Errors
/// When layouts do not meet or a collective fails.
#[cfg(feature = "torch")]
pub fn run_layers<L: DecoderLayer>(
    layers: &Rc<[L]>,
    mut x: DTensor,
    inputs: &Inputs,
    positions: Positions,
    rotary: impl Fn(&L) -> Rc<RotaryTables>,
    mut cache: Option<&mut KvCache>,
) -> Result<DTensor> {
    let positions = Rc::new(positions);
    // Layers with the same window share its mask.
    let mut masks = BTreeMap::new();
    for (index, layer) in layers.iter().enumerate() {
        let window = layer.window();
        let mask = match masks.entry(window) {
            Entry::Occupied(known) => Rc::clone(known.get()),
            Entry::Vacant(new) => new.insert(Rc::new(positions.sliding(window)?)).clone(),
        };
        let rotary = rotary(layer);
        x = match cache.as_deref_mut() {
            None if inputs.recompute => {
                let positions = positions.clone();
                let dropout_key = inputs.dropout_key.clone();
                recompute(layers, index, &x, move |layer, x| {
                    let context = LayerContext {
                        positions: &positions,
                        rotary: &rotary,
                        mask: &mask,
                        cache: None,
                        dropout_key: dropout_key.as_ref(),
                    };
                    layer.forward(x, context)
                })?
            }
            cache => {
                let context = LayerContext {
                    positions: &positions,
                    rotary: &rotary,
                    mask: &mask,
                    cache: cache.map(|cache| cache.layer(index)),
                    dropout_key: inputs.dropout_key.as_ref(),
                };
                layer.forward(&x, context)?
            }
        };
    }
    if let Some(cache) = cache {
        cache.advance(positions.length())?;
    }
    Ok(x)
}
