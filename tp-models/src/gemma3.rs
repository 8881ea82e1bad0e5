//! Gemma 3 for text (Gemma Team 2025; transformers `models/gemma3/modeling_gemma3.py`).
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Embedding, Linear, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{GatedMlp, GroupedQuery, LayerType, language_head};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerMasks, logits},
    tch::Tensor,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, AttentionMask, KvCache, LayerCache, Positions, RotaryTables},
};

/// The fields of a Gemma 3 text `config.json`, with the defaults of transformers' `Gemma3TextConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Gemma3TextConfig {
    /// V
    pub vocab_size: i64,
    /// H
    pub hidden_size: i64,
    /// Features inside the MLP.
    pub intermediate_size: i64,
    /// How many decoder layers.
    pub num_hidden_layers: usize,
    /// A
    pub num_attention_heads: i64,
    /// K
    pub num_key_value_heads: i64,
    /// D
    pub head_dim: i64,
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    /// Scores are divided by its square root.
    pub query_pre_attn_scalar: f64,
    /// Logits are bent to stay below it.
    pub final_logit_softcapping: Option<f64>,
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function of the gate.
    pub hidden_activation: Activation,
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
            vocab_size: 262_208,
            hidden_size: 2304,
            intermediate_size: 9216,
            num_hidden_layers: 26,
            num_attention_heads: 8,
            num_key_value_heads: 4,
            head_dim: 256,
            rms_norm_eps: 1e-6,
            attention_bias: false,
            query_pre_attn_scalar: 256.0,
            final_logit_softcapping: None,
            tie_word_embeddings: true,
            pad_token_id: Some(0),
            hidden_activation: Activation::GeluTanh,
            sliding_window: Some(4096),
            layer_types: None,
            sliding_window_pattern: 6,
            use_bidirectional_attention: None,
        }
    }
}

impl Gemma3TextConfig {
    fn attention(&self) -> Result<GroupedQuery, ConfigError> {
        if self.use_bidirectional_attention == Some(true) {
            let reason = "`use_bidirectional_attention` is true: only causal attention is known";
            return Err(ConfigError::Unsupported {
                reason: reason.to_owned(),
            });
        }
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            Some(self.num_key_value_heads),
            Some(self.head_dim),
        )
    }

    fn layer_types(&self) -> Result<Vec<LayerType>, ConfigError> {
        let pattern = self.sliding_window_pattern.max(1);
        let listed = self.layer_types.as_deref();
        LayerType::of_layers(listed, self.num_hidden_layers, |layer| {
            (layer + 1) % pattern != 0
        })
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
    embed_tokens: Embedding,
    layers: Vec<Gemma3DecoderLayer>,
    norm: RmsNorm,
    /// Of the layers that see everything.
    rotary_emb: RotaryEmbedding,
    /// Of the layers that slide.
    rotary_emb_local: RotaryEmbedding,
    #[module(skip)]
    window: Option<i64>,
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
    head_dim: i64,
    #[module(skip)]
    scale: f64,
}

impl FromConfig for Gemma3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let model = Gemma3TextModel::new(config)?;
        let config: Gemma3TextConfig = config::parse(config)?;
        Ok(Self {
            lm_head: model.head(config.tie_word_embeddings),
            model,
            softcap: config.final_logit_softcapping,
        })
    }
}

impl Gemma3TextModel {
    pub(crate) fn new(config: &Value) -> Result<Self> {
        let rope = |layers, theta| RopeParameters::of_layer_type(config, layers, theta);
        let global = rope("full_attention", 1e6)?;
        let local = rope("sliding_attention", 1e4)?;
        let config: Gemma3TextConfig = config::parse(config)?;
        let sizes = config.attention()?;
        let layers = config.layer_types()?.into_iter();
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|layer_type| Gemma3DecoderLayer::new(&config, sizes, layer_type))
                .collect(),
            norm: RmsNorm::one_plus(config.hidden_size, config.rms_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, &global)?,
            rotary_emb_local: RotaryEmbedding::new(sizes.head_dim, &local)?,
            window: config.sliding_window,
        })
    }

    /// A language-modelling head for this decoder.
    pub(crate) fn head(&self, tied: bool) -> Linear {
        language_head(&self.embed_tokens, tied)
    }

    pub(crate) fn vocabulary_size(&self) -> i64 {
        self.embed_tokens.weight().shape()[0]
    }

    pub(crate) fn hidden_size(&self) -> i64 {
        self.embed_tokens.weight().shape()[1]
    }
}

impl Gemma3DecoderLayer {
    fn new(config: &Gemma3TextConfig, sizes: GroupedQuery, layer_type: LayerType) -> Self {
        let norm = || RmsNorm::one_plus(config.hidden_size, config.rms_norm_eps);
        let head_norm = || RmsNorm::one_plus(sizes.head_dim, config.rms_norm_eps);
        let bias = config.attention_bias;
        Self {
            self_attn: Gemma3Attention {
                q_proj: sizes.query(bias),
                k_proj: sizes.key_value(bias),
                v_proj: sizes.key_value(bias),
                o_proj: sizes.output(bias),
                q_norm: head_norm(),
                k_norm: head_norm(),
                head_dim: sizes.head_dim,
                scale: config.query_pre_attn_scalar.powf(-0.5),
            },
            mlp: GatedMlp::new(
                config.hidden_size,
                config.intermediate_size,
                config.hidden_activation,
                false,
            ),
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
            pre_feedforward_layernorm: norm(),
            post_feedforward_layernorm: norm(),
            layer_type,
        }
    }
}

impl Model for Gemma3ForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

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
mod forward {
    use super::*;

    impl Gemma3TextModel {
        /// The tokens as vectors: `[B, S]` → `[B, S, H]`
        pub(crate) fn embed(&self, inputs: &Inputs) -> Result<DTensor> {
            let x = self.embed_tokens.forward(&inputs.input_ids)?;
            // Rounded to the weights' kind first, as the model was trained.
            let scale = Tensor::from((self.hidden_size() as f64).sqrt());
            let scale = scale.to_kind(x.kind()).to_device(x.device());
            x.map("scaling embeddings", x.shape(), |x| x.f_mul(&scale))
        }

        /// `[B, S, H]` → `[B, S, H]`
        pub(crate) fn forward(
            &self,
            embeddings: DTensor,
            inputs: &Inputs,
            mut cache: Option<&mut KvCache>,
        ) -> Result<DTensor> {
            let mut x = embeddings;
            // 1. where the tokens stand, and what they may see
            let positions = Positions::new(inputs, cache.as_deref(), x.kind());
            let global = self.rotary_emb.forward(&positions)?;
            let local = self.rotary_emb_local.forward(&positions)?;
            let masks = LayerMasks::new(&positions, self.window)?;
            // 2. layers
            for (index, layer) in self.layers.iter().enumerate() {
                let cache = cache.as_deref_mut().map(|cache| cache.layer(index));
                let rotary = match layer.layer_type {
                    LayerType::FullAttention => &global,
                    LayerType::SlidingAttention => &local,
                };
                x = layer.forward(&x, rotary, masks.of(layer.layer_type), cache)?;
            }
            if let Some(cache) = cache {
                cache.advance(positions.length());
            }
            // 3. norm
            self.norm.forward(&x)
        }
    }

    impl Gemma3DecoderLayer {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. attention
            let h = self.input_layernorm.forward(x)?;
            let h = self.self_attn.forward(&h, rotary, mask, cache)?;
            let x = x.add(&self.post_attention_layernorm.forward(&h)?)?;
            // 2. MLP
            let h = self.pre_feedforward_layernorm.forward(&x)?;
            let h = self.mlp.forward(&h)?;
            x.add(&self.post_feedforward_layernorm.forward(&h)?)
        }
    }

    impl Gemma3Attention {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. project: [B, S, A, D] and twice [B, S, K, D]
            let q = self.q_proj.forward(x)?.split_heads(self.head_dim)?;
            let k = self.k_proj.forward(x)?.split_heads(self.head_dim)?;
            let v = self.v_proj.forward(x)?.split_heads(self.head_dim)?;
            // 2. normalize each head, rotate
            let (q, k) = (self.q_norm.forward(&q)?, self.k_norm.forward(&k)?);
            let (q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
            // 3. attend
            let scale = self.scale;
            let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
            // 4. join heads: [B, S, H]
            self.o_proj.forward(&mixed.merge_heads()?)
        }
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
