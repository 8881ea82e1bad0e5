//! Gemma 3 for text (Gemma Team 2025; transformers `models/gemma3/modeling_gemma3.py`): norms before and after every
//! branch, and a rotation for the layers that slide and another for those that see everything.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

mod attention;
pub(crate) mod config;

use std::rc::Rc;

use serde_json::Value;
use tp_runtime::config::{ConfigError, RopeParameters};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Embedding, Linear, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{DecoderConfig, DecoderLayer, GatedMlp, LayerType, language_head};

pub use attention::Gemma3Attention;
pub use config::{DEFAULTS, Gemma3TextConfig};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits, run_layers},
    tch::Tensor,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{KvCache, Positions},
};

/// Gemma 3 with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Gemma3ForCausalLM {
    model: Gemma3TextModel,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
    #[module(skip)]
    softcap: Option<f64>,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> norm)]
pub struct Gemma3TextModel {
    #[module(weight = [vocab_size, hidden_size])]
    pub(crate) embed_tokens: Embedding,
    layers: Rc<[Gemma3DecoderLayer]>,
    norm: RmsNorm,
    /// Of the layers that see everything.
    rotary_emb: RotaryEmbedding,
    /// Of the layers that slide.
    rotary_emb_local: RotaryEmbedding,
}

/// One decoder layer: attention and MLP, each between two norms, each added to the residual stream.
#[derive(Module)]
#[flow(
    input_layernorm -> self_attn -> post_attention_layernorm -> +
    -> pre_feedforward_layernorm -> mlp -> post_feedforward_layernorm -> +
)]
pub struct Gemma3DecoderLayer {
    self_attn: Gemma3Attention,
    mlp: GatedMlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    post_feedforward_layernorm: RmsNorm,
    #[module(skip)]
    layer_type: LayerType,
    #[module(skip)]
    sliding_window: i64,
}

impl FromConfig for Gemma3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let decoder = config::decoder(config)?;
        let model = model(config, &decoder)?;
        let config = Gemma3TextConfig::read(config)?;
        Ok(Self {
            lm_head: language_head(&model.embed_tokens, decoder.tie_word_embeddings),
            model,
            softcap: config.final_logit_softcapping,
        })
    }
}

/// The decoder that `config` describes.
pub(crate) fn model(
    config: &Value,
    decoder: &DecoderConfig,
) -> Result<Gemma3TextModel, ConfigError> {
    let rope = |layers, theta| RopeParameters::of_layer_type(config, layers, theta);
    let (global, local) = (
        rope("full_attention", 1e6)?,
        rope("sliding_attention", 1e4)?,
    );
    let config = Gemma3TextConfig::read(config)?;
    let heads = decoder.heads()?;
    let norm = || RmsNorm::one_plus(decoder.hidden_size, decoder.norm_eps);
    let layer = |layer_type| Gemma3DecoderLayer {
        self_attn: Gemma3Attention::new(decoder, heads, &config),
        mlp: decoder.gated_mlp(false),
        input_layernorm: norm(),
        post_attention_layernorm: norm(),
        pre_feedforward_layernorm: norm(),
        post_feedforward_layernorm: norm(),
        layer_type,
        sliding_window: config.sliding_window,
    };
    let types = config.layer_types(decoder.num_hidden_layers)?;
    Ok(Gemma3TextModel {
        embed_tokens: decoder.embedding(),
        layers: types.into_iter().map(layer).collect(),
        norm: norm(),
        rotary_emb: RotaryEmbedding::new(heads.head_dim, &global)?,
        rotary_emb_local: RotaryEmbedding::new(heads.head_dim, &local)?,
    })
}

impl Gemma3TextModel {
    pub(crate) fn vocabulary_size(&self) -> i64 {
        self.embed_tokens.weight().shape()[0]
    }

    pub(crate) fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        let rotations = [&self.rotary_emb, &self.rotary_emb_local];
        rotations
            .iter()
            .any(|rotation| rotation.changes_between(cached, length))
    }
}

impl Model for Gemma3ForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    fn can_be_captured(&self) -> bool {
        true
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.outgrows_cache(cached, length)
    }

    /// `[B, S]` → `[B, S, V]`
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let embeddings = self.model.embed(inputs)?;
        let hidden = self.model.forward(embeddings, inputs, cache)?;
        let logits = logits(&self.lm_head, &hidden, inputs)?;
        match self.softcap {
            Some(cap) => logits.map("capping logits", logits.shape(), |x| {
                x.f_div_scalar(cap)?.f_tanh()?.f_mul_scalar(cap)
            }),
            None => Ok(logits),
        }
    }
}

#[cfg(feature = "torch")]
impl Gemma3TextModel {
    /// The tokens as vectors: `[B, S]` → `[B, S, H]`
    pub(crate) fn embed(&self, inputs: &Inputs) -> Result<DTensor> {
        let x = self.embed_tokens.forward(&inputs.input_ids)?;
        // Rounded to the weights' kind first, as the model was trained.
        let hidden = self.embed_tokens.weight().shape()[1];
        let scale = Tensor::from((hidden as f64).sqrt());
        let scale = f64::try_from(scale.f_to_kind(x.kind())?)?;
        x.map("scaling embeddings", x.shape(), |x| x.f_mul_scalar(scale))
    }

    /// `[B, S, H]` → `[B, S, H]`
    pub(crate) fn forward(
        &self,
        embeddings: DTensor,
        inputs: &Inputs,
        cache: Option<&mut KvCache>,
    ) -> Result<DTensor> {
        let positions = Positions::new(inputs, cache.as_deref(), embeddings.kind());
        let global = Rc::new(self.rotary_emb.forward(&positions)?);
        let local = Rc::new(self.rotary_emb_local.forward(&positions)?);
        let rotary = |layer: &Gemma3DecoderLayer| match layer.layer_type {
            LayerType::FullAttention => global.clone(),
            LayerType::SlidingAttention => local.clone(),
        };
        let x = run_layers(&self.layers, embeddings, inputs, positions, rotary, cache)?;
        self.norm.forward(&x)
    }
}

impl DecoderLayer for Gemma3DecoderLayer {
    const DECODER: &'static str = "Gemma3TextModel";

    fn window(&self) -> Option<i64> {
        self.layer_type.window(Some(self.sliding_window))
    }

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        // 1. attention
        let h = self.input_layernorm.forward(x)?;
        let h = self.self_attn.forward(&h, context)?;
        let x = x.add(&self.post_attention_layernorm.forward(&h)?)?;
        // 2. MLP
        let h = self.pre_feedforward_layernorm.forward(&x)?;
        let h = self.mlp.forward(&h)?;
        x.add(&self.post_feedforward_layernorm.forward(&h)?)
    }
}

register_model!(Gemma3ForCausalLM, default for "gemma3_text", for "gemma3");

tp_plan! {
    /// Gemma 3's decoder: attention by heads, MLP by columns, vocabulary split over ranks.
    pub GEMMA3_TEXT_MODEL for Gemma3TextModel;

    // module                                             tensor parallel        | with sequence parallelism
    "embed_tokens"                                     => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "{rotary_emb,rotary_emb_local}"                    => _                      | RotaryEmbedParallel,
    "layers.*.{input,post_attention}_layernorm"        => _                      | SequenceParallel,
    "layers.*.{pre,post}_feedforward_layernorm"        => _                      | SequenceParallel,
    "layers.*.self_attn.{q,k,v}_proj"                  => Colwise,
    "layers.*.self_attn.o_proj"                        => Rowwise                | Rowwise(output: Shard(1)),
    "layers.*.mlp.{gate,up}_proj"                      => Colwise,
    "layers.*.mlp.down_proj"                           => Rowwise                | Rowwise(output: Shard(1)),
    "norm"                                             => _                      | SequenceParallel,
}

tp_plan! {
    /// The decoder's plan, and a head that leaves logits split over the vocabulary (AutoModel's Gemma 3 plan).
    pub GEMMA3 for Gemma3ForCausalLM;

    "model"   => include GEMMA3_TEXT_MODEL,
    "lm_head" => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}
