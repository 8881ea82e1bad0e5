//! Ministral 3 (transformers `models/ministral3/modeling_ministral3.py`).
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::{Value, json};
use tp_runtime::config::{self, ConfigError, RopeParameters, RopeScaling};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Embedding, Linear, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{GatedMlp, GroupedQuery, language_head};

#[cfg(feature = "torch")]
use {
    crate::layers::logits,
    tch::{Kind, Tensor},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, AttentionMask, KvCache, LayerCache, Positions, RotaryTables},
};

/// The fields of a Ministral 3 `config.json`, with the defaults of transformers' `Ministral3Config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Ministral3Config {
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
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function of the gate.
    pub hidden_act: Activation,
    /// The window every layer sees; everything where null.
    pub sliding_window: Option<i64>,
}

impl Default for Ministral3Config {
    fn default() -> Self {
        Self {
            vocab_size: 131072,
            hidden_size: 4096,
            intermediate_size: 14336,
            num_hidden_layers: 34,
            num_attention_heads: 32,
            num_key_value_heads: Some(8),
            head_dim: Some(128),
            rms_norm_eps: 1e-5,
            tie_word_embeddings: false,
            pad_token_id: Some(11),
            hidden_act: Activation::Silu,
            sliding_window: None,
        }
    }
}

impl Ministral3Config {
    fn attention(&self) -> Result<GroupedQuery, ConfigError> {
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        )
    }
}

/// Ministral 3 with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Ministral3ForCausalLM {
    model: Ministral3Model,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> norm)]
pub struct Ministral3Model {
    #[module(weight = [vocab_size, hidden_size])]
    pub(crate) embed_tokens: Embedding,
    layers: Vec<Ministral3DecoderLayer>,
    norm: RmsNorm,
    rotary_emb: RotaryEmbedding,
    #[module(skip)]
    window: Option<i64>,
    #[module(skip)]
    growth: Option<QueryGrowth>,
}

/// One decoder layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct Ministral3DecoderLayer {
    self_attn: Ministral3Attention,
    mlp: GatedMlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
}

/// Grouped-query attention with rotary positions, and queries that grow with them.
#[derive(Module)]
#[flow(q_proj, k_proj, v_proj -> o_proj)]
pub struct Ministral3Attention {
    #[module(weight = [num_attention_heads, hidden_size])]
    q_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    k_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    v_proj: Linear,
    #[module(weight = [hidden_size, num_attention_heads])]
    o_proj: Linear,
    #[module(skip)]
    sizes: GroupedQuery,
}

/// Growth of the queries with the logarithm of the position, as in Llama 4.
struct QueryGrowth {
    beta: f64,
    /// The context within which they do not grow.
    context: i64,
}

impl FromConfig for Ministral3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = rope(config)?;
        let config: Ministral3Config = config::parse(config)?;
        let model = Ministral3Model::new(&config, &rope)?;
        let lm_head = language_head(&model.embed_tokens, config.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The config's rotary parameters, or those of transformers' `Ministral3Config`.
pub(crate) fn rope(config: &Value) -> Result<RopeParameters, ConfigError> {
    let default = json!({ "rope_parameters": {
        "rope_type": "yarn",
        "rope_theta": 1e6,
        "factor": 16.0,
        "original_max_position_embeddings": 16384,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
        "llama_4_scaling_beta": 0.1,
    } });
    let given = ["rope_parameters", "rope_scaling"]
        .iter()
        .any(|field| config[*field].is_object());
    RopeParameters::of(if given { config } else { &default }, 1e6)
}

impl Ministral3Model {
    pub(crate) fn new(config: &Ministral3Config, rope: &RopeParameters) -> Result<Self> {
        let sizes = config.attention()?;
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|_| Ministral3DecoderLayer::new(config, sizes))
                .collect(),
            norm: RmsNorm::new(config.hidden_size, config.rms_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, rope)?,
            window: config.sliding_window,
            growth: QueryGrowth::of(rope),
        })
    }
}

impl Ministral3DecoderLayer {
    fn new(config: &Ministral3Config, sizes: GroupedQuery) -> Self {
        let norm = || RmsNorm::new(config.hidden_size, config.rms_norm_eps);
        Self {
            self_attn: Ministral3Attention {
                q_proj: sizes.query(false),
                k_proj: sizes.key_value(false),
                v_proj: sizes.key_value(false),
                o_proj: sizes.output(false),
                sizes,
            },
            mlp: GatedMlp::new(
                config.hidden_size,
                config.intermediate_size,
                config.hidden_act,
                false,
            ),
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
        }
    }
}

impl QueryGrowth {
    fn of(rope: &RopeParameters) -> Option<Self> {
        match &rope.scaling {
            RopeScaling::Yarn(yarn) => Some(Self {
                beta: yarn.llama_4_scaling_beta?,
                context: yarn.original_max_position_embeddings,
            }),
            _ => None,
        }
    }

    /// `[S, 1, 1]`
    #[cfg(feature = "torch")]
    fn at(&self, positions: &Positions<'_>) -> Tensor {
        let float = (Kind::Float, positions.device());
        let places = Tensor::arange_start(positions.start(), positions.end(), float);
        let contexts = (places / self.context as f64).floor();
        let growth = contexts.log1p() * self.beta + 1.0;
        growth.to_kind(positions.kind()).reshape([-1, 1, 1])
    }
}

impl Model for Ministral3ForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.embed_tokens.weight().shape()[0]
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

    impl Ministral3Model {
        /// `[B, S]` → `[B, S, H]`
        pub(super) fn forward(
            &self,
            inputs: &Inputs,
            cache: Option<&mut KvCache>,
        ) -> Result<DTensor> {
            let embedded = self.embed_tokens.forward(&inputs.input_ids)?;
            self.decode(embedded, inputs, cache)
        }

        /// What follows the embedding: `[B, S, H]` → `[B, S, H]`
        pub(crate) fn decode(
            &self,
            mut x: DTensor,
            inputs: &Inputs,
            mut cache: Option<&mut KvCache>,
        ) -> Result<DTensor> {
            // 1. where tokens stand, and what they may see
            let positions = Positions::new(inputs, cache.as_deref(), x.kind());
            let rotary = self.rotary_emb.forward(&positions)?;
            let mask = positions.sliding(self.window)?;
            let growth = self.growth.as_ref().map(|growth| growth.at(&positions));
            // 2. layers
            for (index, layer) in self.layers.iter().enumerate() {
                let cache = cache.as_deref_mut().map(|cache| cache.layer(index));
                x = layer.forward(&x, &rotary, growth.as_ref(), &mask, cache)?;
            }
            if let Some(cache) = cache {
                cache.advance(positions.length());
            }
            // 3. norm
            self.norm.forward(&x)
        }
    }

    impl Ministral3DecoderLayer {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            growth: Option<&Tensor>,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. attention
            let h = self.input_layernorm.forward(x)?;
            let x = x.add(&self.self_attn.forward(&h, rotary, growth, mask, cache)?)?;
            // 2. MLP
            let h = self.post_attention_layernorm.forward(&x)?;
            x.add(&self.mlp.forward(&h)?)
        }
    }

    impl Ministral3Attention {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            growth: Option<&Tensor>,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. project: [B, S, A, D] and twice [B, S, K, D]
            let head_dim = self.sizes.head_dim;
            let q = self.q_proj.forward(x)?.split_heads(head_dim)?;
            let k = self.k_proj.forward(x)?.split_heads(head_dim)?;
            let v = self.v_proj.forward(x)?.split_heads(head_dim)?;
            // 2. rotate, grow
            let (mut q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
            if let Some(growth) = growth {
                q = q.map("growing queries", q.shape(), |q| q.f_mul(growth))?;
            }
            // 3. attend
            let scale = self.sizes.scale();
            let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
            // 4. join heads: [B, S, H]
            self.o_proj.forward(&mixed.merge_heads()?)
        }
    }
}

register_model!(Ministral3ForCausalLM);

tp_plan! {
    /// Ministral 3's decoder: attention by heads, MLP by columns, vocabulary split over ranks.
    pub MINISTRAL3_MODEL for Ministral3Model;

    // module                               tensor parallel        | with sequence parallelism
    "embed_tokens"                       => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "layers.*.input_layernorm"           => _                      | SequenceParallelAllGatherActivation,
    "layers.*.self_attn.{q,k,v}_proj"    => Colwise,
    "layers.*.self_attn.o_proj"          => Rowwise                | Rowwise(output: Shard(1)),
    "layers.*.post_attention_layernorm"  => _                      | SequenceParallelAllGatherActivation,
    "layers.*.mlp.{gate,up}_proj"        => Colwise,
    "layers.*.mlp.down_proj"             => Rowwise                | Rowwise(output: Shard(1)),
    "norm"                               => _                      | SequenceParallel,
}

tp_plan! {
    /// The decoder's plan, and a head that leaves logits split over the vocabulary (AutoModel's Ministral 3 plan).
    pub MINISTRAL3 for Ministral3ForCausalLM;

    "model"   => include MINISTRAL3_MODEL,
    "lm_head" => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}

tp_plan! {
    /// For more ranks than key-value heads: neighbouring ranks hold one together.
    pub MINISTRAL3_SHARED_KV for Ministral3ForCausalLM as "shared-kv", from MINISTRAL3;
    "model.layers.*.self_attn.{k,v}_proj" => Colwise(share_heads: true),
}
