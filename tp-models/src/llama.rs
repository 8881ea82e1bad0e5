//! Llama (Touvron et al. 2023; transformers `models/llama/modeling_llama.py`).
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! I intermediate, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Embedding, Linear, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{GatedMlp, GroupedQuery, language_head};

#[cfg(feature = "torch")]
use {
    crate::layers::logits,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, AttentionMask, KvCache, LayerCache, Positions, RotaryTables},
};

/// The fields of a Llama `config.json`, with the defaults of transformers' `LlamaConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct LlamaConfig {
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
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    /// Biases on gate, up and down.
    pub mlp_bias: bool,
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function of the gate.
    pub hidden_act: Activation,
}

impl Default for LlamaConfig {
    fn default() -> Self {
        Self {
            vocab_size: 32000,
            hidden_size: 4096,
            intermediate_size: 11008,
            num_hidden_layers: 32,
            num_attention_heads: 32,
            num_key_value_heads: None,
            head_dim: None,
            rms_norm_eps: 1e-6,
            attention_bias: false,
            mlp_bias: false,
            tie_word_embeddings: false,
            pad_token_id: None,
            hidden_act: Activation::Silu,
        }
    }
}

impl LlamaConfig {
    fn attention(&self) -> Result<GroupedQuery, ConfigError> {
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        )
    }
}

/// Llama with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct LlamaForCausalLM {
    model: LlamaModel,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> norm)]
pub struct LlamaModel {
    #[module(weight = [vocab_size, hidden_size])]
    embed_tokens: Embedding,
    layers: Vec<LlamaDecoderLayer>,
    norm: RmsNorm,
    rotary_emb: RotaryEmbedding,
}

/// One decoder layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct LlamaDecoderLayer {
    self_attn: LlamaAttention,
    mlp: GatedMlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
}

/// Grouped-query attention with rotary positions.
#[derive(Module)]
#[flow(q_proj, k_proj, v_proj -> o_proj)]
pub struct LlamaAttention {
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

impl FromConfig for LlamaForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = RopeParameters::of(config, 10_000.0)?;
        let config: LlamaConfig = config::parse(config)?;
        let model = LlamaModel::new(&config, &rope)?;
        let lm_head = language_head(&model.embed_tokens, config.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

impl LlamaModel {
    fn new(config: &LlamaConfig, rope: &RopeParameters) -> Result<Self> {
        let sizes = config.attention()?;
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|_| LlamaDecoderLayer::new(config, sizes))
                .collect(),
            norm: RmsNorm::new(config.hidden_size, config.rms_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, rope)?,
        })
    }
}

impl LlamaDecoderLayer {
    fn new(config: &LlamaConfig, sizes: GroupedQuery) -> Self {
        let norm = || RmsNorm::new(config.hidden_size, config.rms_norm_eps);
        Self {
            self_attn: LlamaAttention::new(sizes, config.attention_bias),
            mlp: GatedMlp::new(
                config.hidden_size,
                config.intermediate_size,
                config.hidden_act,
                config.mlp_bias,
            ),
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
        }
    }
}

impl LlamaAttention {
    fn new(sizes: GroupedQuery, bias: bool) -> Self {
        Self {
            q_proj: sizes.query(bias),
            k_proj: sizes.key_value(bias),
            v_proj: sizes.key_value(bias),
            o_proj: sizes.output(bias),
            sizes,
        }
    }
}

impl Model for LlamaForCausalLM {
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

    impl LlamaModel {
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
            let (rotary, mask) = (self.rotary_emb.forward(&positions)?, positions.causal()?);
            // 3. layers
            for (index, layer) in self.layers.iter().enumerate() {
                let cache = cache.as_deref_mut().map(|cache| cache.layer(index));
                x = layer.forward(&x, &rotary, &mask, cache)?;
            }
            if let Some(cache) = cache {
                cache.advance(positions.length());
            }
            // 4. norm
            self.norm.forward(&x)
        }
    }

    impl LlamaDecoderLayer {
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

    impl LlamaAttention {
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
            // 2. rotate
            let (q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
            // 3. attend
            let scale = self.sizes.scale();
            let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
            // 4. join heads: [B, S, H]
            self.o_proj.forward(&mixed.merge_heads()?)
        }
    }
}

register_model!(LlamaForCausalLM);

tp_plan! {
    /// Attention by heads, MLP by columns, vocabulary split over ranks (AutoModel's Llama plan).
    pub LLAMA for LlamaForCausalLM;

    // module                                     tensor parallel        | with sequence parallelism
    "model.embed_tokens"                       => Rowwise(input: Replicate) | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"           => _                      | SequenceParallelAllGatherActivation,
    "model.layers.*.self_attn.{q,k,v}_proj"    => Colwise,
    "model.layers.*.self_attn.qkv_proj?"       => Colwise,
    "model.layers.*.self_attn.o_proj"          => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.post_attention_layernorm"  => _                      | SequenceParallelAllGatherActivation,
    "model.layers.*.mlp.{gate,up}_proj"        => Colwise,
    "model.layers.*.mlp.gate_up_proj?"         => Colwise,
    "model.layers.*.mlp.down_proj"             => Rowwise                | Rowwise(output: Shard(1)),
    "model.norm"                               => _                      | SequenceParallel,
    "lm_head"                                  => Colwise(local: false)  | Colwise(input: Shard(1), local: false),
}

tp_plan! {
    /// For more ranks than key-value heads: neighbouring ranks hold one together.
    pub LLAMA_SHARED_KV for LlamaForCausalLM as "shared-kv", from LLAMA;
    "model.layers.*.self_attn.{k,v}_proj" => Colwise(share_heads: true),
}
