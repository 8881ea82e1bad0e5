//! Phi-1, Phi-1.5 and Phi-2 (Li et al. 2023; transformers `models/phi/modeling_phi.py`).
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! I intermediate, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Embedding, LayerNorm, Linear, LinearShape, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::GroupedQuery;

#[cfg(feature = "torch")]
use {
    crate::layers::logits,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, AttentionMask, KvCache, LayerCache, Positions, RotaryTables},
};

/// The fields of a Phi `config.json`, with the defaults of transformers' `PhiConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct PhiConfig {
    /// V
    pub vocab_size: i64,
    /// H
    pub hidden_size: i64,
    /// I
    pub intermediate_size: i64,
    /// How many decoder layers.
    pub num_hidden_layers: usize,
    /// A
    pub num_attention_heads: i64,
    /// K; A where absent.
    pub num_key_value_heads: Option<i64>,
    /// D; H / A where absent.
    pub head_dim: Option<i64>,
    /// Added to the variance in every norm.
    pub layer_norm_eps: f64,
    /// Norms on queries and keys.
    pub qk_layernorm: bool,
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function inside the MLP.
    pub hidden_act: Activation,
}

impl Default for PhiConfig {
    fn default() -> Self {
        Self {
            vocab_size: 51200,
            hidden_size: 2048,
            intermediate_size: 8192,
            num_hidden_layers: 24,
            num_attention_heads: 32,
            num_key_value_heads: None,
            head_dim: None,
            layer_norm_eps: 1e-5,
            qk_layernorm: false,
            tie_word_embeddings: false,
            pad_token_id: None,
            hidden_act: Activation::GeluTanh,
        }
    }
}

impl PhiConfig {
    fn attention(&self) -> Result<GroupedQuery, ConfigError> {
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        )
    }
}

/// Phi with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct PhiForCausalLM {
    model: PhiModel,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> final_layernorm)]
pub struct PhiModel {
    #[module(weight = [vocab_size, hidden_size])]
    embed_tokens: Embedding,
    layers: Vec<PhiDecoderLayer>,
    final_layernorm: LayerNorm,
    rotary_emb: RotaryEmbedding,
}

/// One decoder layer: attention and MLP side by side after one norm, both added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn, mlp -> +)]
pub struct PhiDecoderLayer {
    self_attn: PhiAttention,
    mlp: PhiMlp,
    input_layernorm: LayerNorm,
}

/// Attention whose heads are rotated in part.
#[derive(Module)]
#[flow((q_proj -> q_layernorm), (k_proj -> k_layernorm), v_proj -> dense)]
pub struct PhiAttention {
    #[module(weight = [num_attention_heads, hidden_size])]
    q_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    k_proj: Linear,
    #[module(weight = [num_key_value_heads, hidden_size])]
    v_proj: Linear,
    #[module(weight = [hidden_size, num_attention_heads])]
    dense: Linear,
    q_layernorm: Option<LayerNorm>,
    k_layernorm: Option<LayerNorm>,
    #[module(skip)]
    sizes: GroupedQuery,
}

/// Two projections with an activation between them.
#[derive(Module)]
#[flow(fc1 -> fc2)]
pub struct PhiMlp {
    #[module(weight = [intermediate_size, hidden_size])]
    fc1: Linear,
    #[module(weight = [hidden_size, intermediate_size])]
    fc2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl FromConfig for PhiForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let mut rope = RopeParameters::of(config, 10_000.0)?;
        let fields = [config, &config["rope_parameters"], &config["rope_scaling"]];
        if fields
            .iter()
            .all(|fields| fields["partial_rotary_factor"].is_null())
        {
            rope.partial_rotary_factor = 0.5;
        }
        let config: PhiConfig = config::parse(config)?;
        let model = PhiModel::new(&config, &rope)?;
        let head = LinearShape::new(config.hidden_size, config.vocab_size).bias(true);
        let lm_head = match config.tie_word_embeddings {
            true => Linear::tied_with_bias(&model.embed_tokens),
            false => Linear::new(head),
        };
        Ok(Self { model, lm_head })
    }
}

impl PhiModel {
    fn new(config: &PhiConfig, rope: &RopeParameters) -> Result<Self> {
        let sizes = config.attention()?;
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|_| PhiDecoderLayer::new(config, sizes))
                .collect(),
            final_layernorm: LayerNorm::new(config.hidden_size, config.layer_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, rope)?,
        })
    }
}

impl PhiDecoderLayer {
    fn new(config: &PhiConfig, sizes: GroupedQuery) -> Self {
        let linear = |from, to| Linear::new(LinearShape::new(from, to).bias(true));
        let head_norm = || LayerNorm::new(sizes.head_dim, config.layer_norm_eps);
        Self {
            self_attn: PhiAttention {
                q_proj: sizes.query(true),
                k_proj: sizes.key_value(true),
                v_proj: sizes.key_value(true),
                dense: sizes.output(true),
                q_layernorm: config.qk_layernorm.then(head_norm),
                k_layernorm: config.qk_layernorm.then(head_norm),
                sizes,
            },
            mlp: PhiMlp {
                fc1: linear(config.hidden_size, config.intermediate_size),
                fc2: linear(config.intermediate_size, config.hidden_size),
                activation: config.hidden_act,
            },
            input_layernorm: LayerNorm::new(config.hidden_size, config.layer_norm_eps),
        }
    }
}

impl Model for PhiForCausalLM {
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

    impl PhiModel {
        /// `[B, S]` → `[B, S, H]`
        pub(super) fn forward(
            &self,
            inputs: &Inputs,
            mut cache: Option<&mut KvCache>,
        ) -> Result<DTensor> {
            // 1. tokens
            let mut x = self.embed_tokens.forward(&inputs.input_ids)?;
            // 2. where they stand, and what they may see
            let positions = Positions::new(inputs, cache.as_deref(), x.kind());
            let rotary = self.rotary_emb.forward(&positions)?;
            let mask = positions.causal()?;
            // 3. layers
            for (index, layer) in self.layers.iter().enumerate() {
                let cache = cache.as_deref_mut().map(|cache| cache.layer(index));
                x = layer.forward(&x, &rotary, &mask, cache)?;
            }
            if let Some(cache) = cache {
                cache.advance(positions.length());
            }
            // 4. norm
            self.final_layernorm.forward(&x)
        }
    }

    impl PhiDecoderLayer {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. one norm for both branches
            let h = self.input_layernorm.forward(x)?;
            // 2. attention and MLP
            let mixed = self.self_attn.forward(&h, rotary, mask, cache)?;
            mixed.add(&self.mlp.forward(&h)?)?.add(x)
        }
    }

    impl PhiAttention {
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
            // 2. normalize each head where the config says so, rotate
            let normalize = |norm: &Option<LayerNorm>, heads: DTensor| match norm {
                Some(norm) => norm.forward(&heads),
                None => Ok(heads),
            };
            let (q, k) = (
                normalize(&self.q_layernorm, q)?,
                normalize(&self.k_layernorm, k)?,
            );
            let (q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
            // 3. attend
            let scale = self.sizes.scale();
            let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
            // 4. join heads: [B, S, H]
            self.dense.forward(&mixed.merge_heads()?)
        }
    }

    impl PhiMlp {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(&self, x: &DTensor) -> Result<DTensor> {
            let inner = self.fc1.forward(x)?;
            let inner = inner.map("an activation", inner.shape(), |x| {
                self.activation.apply(&x)
            })?;
            self.fc2.forward(&inner)
        }
    }
}

register_model!(PhiForCausalLM);

tp_plan! {
    /// Attention by heads, MLP by columns, vocabulary split over ranks (AutoModel's Phi plan).
    pub PHI for PhiForCausalLM;

    // module                                   tensor parallel        | with sequence parallelism
    "model.embed_tokens"                     => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"         => _                      | SequenceParallel,
    "model.layers.*.self_attn.{q,k,v}_proj"  => Colwise,
    "model.layers.*.self_attn.dense"         => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.mlp.fc1"                 => Colwise,
    "model.layers.*.mlp.fc2"                 => Rowwise                | Rowwise(output: Shard(1)),
    "model.final_layernorm"                  => _                      | SequenceParallel,
    "lm_head"                                => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_plan! {
    /// For more ranks than key-value heads: neighbouring ranks hold one together.
    pub PHI_SHARED_KV for PhiForCausalLM as "shared-kv", from PHI;
    "model.layers.*.self_attn.{k,v}_proj" => Colwise(share_heads: true),
}
