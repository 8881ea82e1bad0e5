//! Qwen3 (Yang et al. 2025; transformers `models/qwen3/modeling_qwen3.py`).
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
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, AttentionMask, KvCache, LayerCache, Positions, RotaryTables},
};

/// The fields of a Qwen3 `config.json`, with the defaults of transformers' `Qwen3Config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Qwen3Config {
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
    /// K; A where null.
    pub num_key_value_heads: Option<i64>,
    /// D; H / A where null.
    pub head_dim: Option<i64>,
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function of the gate.
    pub hidden_act: Activation,
    /// Whether some layers see a window only.
    pub use_sliding_window: bool,
    /// That window.
    pub sliding_window: Option<i64>,
    /// How many layers see everything, from the first on, where `layer_types` does not say.
    pub max_window_layers: usize,
    /// How far back each layer sees.
    pub layer_types: Option<Vec<LayerType>>,
}

impl Default for Qwen3Config {
    fn default() -> Self {
        Self {
            vocab_size: 151936,
            hidden_size: 4096,
            intermediate_size: 22016,
            num_hidden_layers: 32,
            num_attention_heads: 32,
            num_key_value_heads: Some(32),
            head_dim: Some(128),
            rms_norm_eps: 1e-6,
            attention_bias: false,
            tie_word_embeddings: false,
            pad_token_id: None,
            hidden_act: Activation::Silu,
            use_sliding_window: false,
            sliding_window: Some(4096),
            max_window_layers: 28,
            layer_types: None,
        }
    }
}

impl Qwen3Config {
    fn attention(&self) -> Result<GroupedQuery, ConfigError> {
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        )
    }

    fn window(&self) -> Option<i64> {
        self.sliding_window.filter(|_| self.use_sliding_window)
    }

    fn layer_types(&self) -> Result<Vec<LayerType>, ConfigError> {
        LayerType::of_layers(
            self.layer_types.as_deref(),
            self.num_hidden_layers,
            |layer| self.window().is_some() && layer >= self.max_window_layers,
        )
    }
}

/// Qwen3 with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Qwen3ForCausalLM {
    model: Qwen3Model,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> norm)]
pub struct Qwen3Model {
    #[module(weight = [vocab_size, hidden_size])]
    embed_tokens: Embedding,
    layers: Vec<Qwen3DecoderLayer>,
    norm: RmsNorm,
    rotary_emb: RotaryEmbedding,
    #[module(skip)]
    window: Option<i64>,
}

/// One decoder layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct Qwen3DecoderLayer {
    self_attn: Qwen3Attention,
    mlp: GatedMlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    #[module(skip)]
    layer_type: LayerType,
}

/// Grouped-query attention with rotary positions; queries and keys are normalized head by head.
#[derive(Module)]
#[flow((q_proj -> q_norm), (k_proj -> k_norm), v_proj -> o_proj)]
pub struct Qwen3Attention {
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
    sizes: GroupedQuery,
}

impl FromConfig for Qwen3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = RopeParameters::of(config, 10_000.0)?;
        let config: Qwen3Config = config::parse(config)?;
        let model = Qwen3Model::new(&config, &rope)?;
        let lm_head = language_head(&model.embed_tokens, config.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

impl Qwen3Model {
    pub(crate) fn vocabulary_size(&self) -> i64 {
        self.embed_tokens.weight().shape()[0]
    }

    pub(crate) fn new(config: &Qwen3Config, rope: &RopeParameters) -> Result<Self> {
        let sizes = config.attention()?;
        let layers = config.layer_types()?.into_iter();
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|layer_type| Qwen3DecoderLayer::new(config, sizes, layer_type))
                .collect(),
            norm: RmsNorm::new(config.hidden_size, config.rms_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, rope)?,
            window: config.window(),
        })
    }
}

impl Qwen3DecoderLayer {
    fn new(config: &Qwen3Config, sizes: GroupedQuery, layer_type: LayerType) -> Self {
        let norm = || RmsNorm::new(config.hidden_size, config.rms_norm_eps);
        Self {
            self_attn: Qwen3Attention::new(config, sizes),
            mlp: GatedMlp::new(
                config.hidden_size,
                config.intermediate_size,
                config.hidden_act,
                false,
            ),
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
            layer_type,
        }
    }
}

impl Qwen3Attention {
    fn new(config: &Qwen3Config, sizes: GroupedQuery) -> Self {
        let bias = config.attention_bias;
        let norm = || RmsNorm::new(sizes.head_dim, config.rms_norm_eps);
        Self {
            q_proj: sizes.query(bias),
            k_proj: sizes.key_value(bias),
            v_proj: sizes.key_value(bias),
            o_proj: sizes.output(bias),
            q_norm: norm(),
            k_norm: norm(),
            sizes,
        }
    }
}

impl Model for Qwen3ForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let hidden = self.model.forward(inputs, cache)?;
        logits(&self.lm_head, &hidden, inputs)
    }
}

#[cfg(feature = "torch")]
mod forward {
    use super::*;

    impl Qwen3Model {
        /// `[B, S]` → `[B, S, H]`
        pub(crate) fn forward(
            &self,
            inputs: &Inputs,
            mut cache: Option<&mut KvCache>,
        ) -> Result<DTensor> {
            // 1. tokens
            let mut x = self.embed_tokens.forward(&inputs.input_ids)?;
            // 2. where they stand, and what they may see
            let positions = Positions::new(inputs, cache.as_deref(), x.kind());
            let rotary = self.rotary_emb.forward(&positions)?;
            let masks = LayerMasks::new(&positions, self.window)?;
            // 3. layers
            for (index, layer) in self.layers.iter().enumerate() {
                let cache = cache.as_deref_mut().map(|cache| cache.layer(index));
                x = layer.forward(&x, &rotary, masks.of(layer.layer_type), cache)?;
            }
            if let Some(cache) = cache {
                cache.advance(positions.length());
            }
            // 4. norm
            self.norm.forward(&x)
        }
    }

    impl Qwen3DecoderLayer {
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
            let x = x.add(&self.self_attn.forward(&h, rotary, mask, cache)?)?;
            // 2. MLP
            let h = self.post_attention_layernorm.forward(&x)?;
            x.add(&self.mlp.forward(&h)?)
        }
    }

    impl Qwen3Attention {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. project: [B, S, A, D] and twice [B, S, K, D]
            let head_dim = self.sizes.head_dim;
            let q = self.q_proj.forward(x)?.split_heads(head_dim)?;
            let k = self.k_proj.forward(x)?.split_heads(head_dim)?;
            let v = self.v_proj.forward(x)?.split_heads(head_dim)?;
            // 2. normalize each head, rotate
            let (q, k) = (self.q_norm.forward(&q)?, self.k_norm.forward(&k)?);
            let (q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
            // 3. attend
            let scale = self.sizes.scale();
            let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
            // 4. join heads: [B, S, H]
            self.o_proj.forward(&mixed.merge_heads()?)
        }
    }
}

register_model!(Qwen3ForCausalLM);

tp_plan! {
    /// Qwen3's decoder: attention by heads, MLP by columns, vocabulary split over ranks.
    pub QWEN3_MODEL for Qwen3Model;

    // module                               tensor parallel        | with sequence parallelism
    "embed_tokens"                       => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "layers.*.input_layernorm"           => _                      | SequenceParallelAllGatherActivation,
    "layers.*.self_attn.{q,k,v}_proj"    => Colwise,
    "layers.*.self_attn.qkv_proj?"       => Colwise,
    "layers.*.self_attn.o_proj"          => Rowwise                | Rowwise(output: Shard(1)),
    "layers.*.post_attention_layernorm"  => _                      | SequenceParallelAllGatherActivation,
    "layers.*.mlp.{gate,up}_proj"        => Colwise,
    "layers.*.mlp.gate_up_proj?"         => Colwise,
    "layers.*.mlp.down_proj"             => Rowwise                | Rowwise(output: Shard(1)),
    "norm"                               => _                      | SequenceParallel,
}

tp_plan! {
    /// The decoder's plan, and a head that leaves logits split over the vocabulary (AutoModel's Qwen3 plan).
    pub QWEN3 for Qwen3ForCausalLM;

    "model"   => include QWEN3_MODEL,
    "lm_head" => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}

tp_plan! {
    /// For more ranks than key-value heads: neighbouring ranks hold one together.
    pub QWEN3_SHARED_KV for Qwen3ForCausalLM as "shared-kv", from QWEN3;
    "model.layers.*.self_attn.{k,v}_proj" => Colwise(share_heads: true),
}
