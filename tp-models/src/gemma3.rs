//! Gemma 3 for text (Gemma Team 2025; transformers `models/gemma3/modeling_gemma3.py`): norms before and after every
//! branch, and a rotation for the layers that slide and another for those that see everything.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Embedding, Linear, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{
    DecoderConfig, DecoderLayer, GatedMlp, GroupedQuery, LayerType, language_head,
};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits, project_heads, run_layers},
    tch::Tensor,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{KvCache, Positions},
};

/// The defaults of transformers' `Gemma3TextConfig`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 262_208,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: Some(4),
    head_dim: Some(256),
    norm_eps: 1e-6,
    hidden_act: Activation::GeluTanh,
    tie_word_embeddings: true,
    pad_token_id: Some(0),
};

/// What a Gemma 3 text `config.json` says besides.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Gemma3TextConfig {
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    /// Scores are divided by its square root.
    pub query_pre_attn_scalar: f64,
    /// Logits are bent to stay below it.
    pub final_logit_softcapping: Option<f64>,
    /// The window of the sliding layers.
    pub sliding_window: Option<i64>,
    /// How far back each layer sees.
    pub layer_types: Option<Vec<LayerType>>,
    /// Where `layer_types` is absent: every layer of this number sees everything, the others slide.
    pub sliding_window_pattern: usize,
    /// Whether positions see those after them; only `false` is known.
    pub use_bidirectional_attention: Option<bool>,
}

impl Default for Gemma3TextConfig {
    fn default() -> Self {
        Self {
            attention_bias: false,
            query_pre_attn_scalar: 256.0,
            final_logit_softcapping: None,
            sliding_window: Some(4096),
            layer_types: None,
            sliding_window_pattern: 6,
            use_bidirectional_attention: None,
        }
    }
}

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
    layers: Vec<Gemma3DecoderLayer>,
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
    sliding_window: Option<i64>,
}

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
}

impl FromConfig for Gemma3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let decoder = read(config)?;
        let model = model(config, &decoder)?;
        let config: Gemma3TextConfig = config::parse(config)?;
        Ok(Self {
            lm_head: language_head(&model.embed_tokens, decoder.tie_word_embeddings),
            model,
            softcap: config.final_logit_softcapping,
        })
    }
}

/// The fields that decoders share.
pub(crate) fn read(config: &Value) -> Result<DecoderConfig, ConfigError> {
    DecoderConfig::read_named(config, &DEFAULTS, &[("hidden_act", "hidden_activation")])
}

/// The decoder that `config` describes.
pub(crate) fn model(config: &Value, decoder: &DecoderConfig) -> Result<Gemma3TextModel> {
    let rope = |layers, theta| RopeParameters::of_layer_type(config, layers, theta);
    let (global, local) = (
        rope("full_attention", 1e6)?,
        rope("sliding_attention", 1e4)?,
    );
    let config: Gemma3TextConfig = config::parse(config)?;
    if config.use_bidirectional_attention == Some(true) {
        let reason = "`use_bidirectional_attention` is true: only causal attention is known";
        let reason = reason.to_owned();
        return Err(ConfigError::Unsupported { reason }.into());
    }
    let heads = decoder.heads()?;
    let bias = config.attention_bias;
    let norm = || RmsNorm::one_plus(decoder.hidden_size, decoder.norm_eps);
    let head_norm = || RmsNorm::one_plus(heads.head_dim, decoder.norm_eps);
    let layer = |layer_type| Gemma3DecoderLayer {
        self_attn: Gemma3Attention {
            q_proj: heads.query(bias),
            k_proj: heads.key_value(bias),
            v_proj: heads.key_value(bias),
            o_proj: heads.output(bias),
            q_norm: head_norm(),
            k_norm: head_norm(),
            heads,
            scale: config.query_pre_attn_scalar.powf(-0.5),
        },
        mlp: decoder.gated_mlp(false),
        input_layernorm: norm(),
        post_attention_layernorm: norm(),
        pre_feedforward_layernorm: norm(),
        post_feedforward_layernorm: norm(),
        layer_type,
        sliding_window: config.sliding_window,
    };
    let pattern = config.sliding_window_pattern.max(1);
    let listed = config.layer_types.as_deref();
    let slides = |layer| (layer + 1) % pattern != 0;
    let types = LayerType::of_layers(listed, decoder.num_hidden_layers, slides)?;
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
}

impl Model for Gemma3ForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    /// `[B, S]` → `[B, S, V]`
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let embeddings = self.model.embed(inputs)?;
        let hidden = self.model.forward(embeddings, inputs, cache)?;
        let logits = logits(&self.lm_head, &hidden, inputs)?;
        match self.softcap {
            Some(cap) => logits.map("capping logits", logits.shape(), |x| (x / cap).tanh() * cap),
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
        let scale = scale.to_kind(x.kind()).to_device(x.device());
        x.map("scaling embeddings", x.shape(), |x| x * scale)
    }

    /// `[B, S, H]` → `[B, S, H]`
    pub(crate) fn forward(
        &self,
        embeddings: DTensor,
        inputs: &Inputs,
        cache: Option<&mut KvCache>,
    ) -> Result<DTensor> {
        let positions = Positions::new(inputs, cache.as_deref(), embeddings.kind());
        let global = self.rotary_emb.forward(&positions);
        let local = self.rotary_emb_local.forward(&positions);
        let rotary = |layer: &Gemma3DecoderLayer| match layer.layer_type {
            LayerType::FullAttention => &global,
            LayerType::SlidingAttention => &local,
        };
        let x = run_layers(&self.layers, embeddings, &positions, rotary, cache)?;
        self.norm.forward(&x)
    }
}

impl DecoderLayer for Gemma3DecoderLayer {
    const DECODER: &'static str = "Gemma3TextModel";

    fn window(&self) -> Option<i64> {
        self.layer_type.window(self.sliding_window)
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

#[cfg(feature = "torch")]
impl Gemma3Attention {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let (q, k) = (self.q_norm.forward(&q)?, self.k_norm.forward(&k)?);
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let mixed = context.attend(&q, &k, &v, self.scale)?;
        self.o_proj.forward(&mixed)
    }
}

register_model!(Gemma3ForCausalLM);

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

tp_plan! {
    /// For more ranks than key-value heads: neighbouring ranks hold one together.
    pub GEMMA3_SHARED_KV for Gemma3ForCausalLM as "shared-kv", from GEMMA3;
    "model.layers.*.self_attn.{k,v}_proj" => Colwise(share_heads: true),
}
