//! Llama (Touvron et al. 2023; transformers `models/llama/modeling_llama.py`).
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, RopeParameters};
use tp_runtime::dropout::Dropout;
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Linear, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{Decoder, DecoderConfig, DecoderLayer, GatedMlp, GroupedQuery, language_head};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, KvCache},
};

/// The defaults of transformers' `LlamaConfig`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 32000,
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: None,
    head_dim: None,
    norm_eps: 1e-6,
    hidden_act: Activation::Silu,
    tie_word_embeddings: false,
    pad_token_id: None,
    attention_dropout: Dropout::NONE,
};

/// What a Llama `config.json` says besides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LlamaConfig {
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    /// Biases on gate, up and down.
    pub mlp_bias: bool,
}

/// Llama with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct LlamaForCausalLM {
    model: LlamaModel,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head: embeddings, layers, a norm.
pub type LlamaModel = Decoder<LlamaDecoderLayer>;

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
    heads: GroupedQuery,
    #[module(skip)]
    attention_dropout: Dropout,
}

impl FromConfig for LlamaForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let (model, decoder) = model(config)?;
        let lm_head = language_head(&model.embed_tokens, decoder.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The decoder that `config` describes, and what it says as of every decoder.
pub(crate) fn model(config: &Value) -> Result<(LlamaModel, DecoderConfig)> {
    let rope = RopeParameters::of(config, 10_000.0)?;
    let decoder = DecoderConfig::read(config, &DEFAULTS)?;
    let config: LlamaConfig = config::parse(config)?;
    let heads = decoder.heads()?;
    let layer = |_| LlamaDecoderLayer {
        self_attn: LlamaAttention {
            q_proj: heads.query(config.attention_bias),
            k_proj: heads.key_value(config.attention_bias),
            v_proj: heads.key_value(config.attention_bias),
            o_proj: heads.output(config.attention_bias),
            heads,
            attention_dropout: decoder.attention_dropout,
        },
        mlp: decoder.gated_mlp(config.mlp_bias),
        input_layernorm: decoder.rms_norm(),
        post_attention_layernorm: decoder.rms_norm(),
    };
    let layers = (0..decoder.num_hidden_layers).map(layer);
    Ok((Decoder::new(&decoder, &rope, layers)?, decoder))
}

impl Model for LlamaForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    fn can_be_captured(&self) -> bool {
        true
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.rotary_emb.changes_between(cached, length)
    }

    /// `[B, S]` → `[B, S, V]`
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let hidden = self.model.forward(inputs, cache)?;
        logits(&self.lm_head, &hidden, inputs)
    }
}

impl DecoderLayer for LlamaDecoderLayer {
    const DECODER: &'static str = "LlamaModel";

    /// `[B, S, H]` → `[B, S, H]`
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

#[cfg(feature = "torch")]
impl LlamaAttention {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        // 1. project: [B, S, A, D] and twice [B, S, K, D]
        let head_dim = self.heads.head_dim;
        let q = self.q_proj.forward(x)?.split_heads(head_dim)?;
        let k = self.k_proj.forward(x)?.split_heads(head_dim)?;
        let v = self.v_proj.forward(x)?.split_heads(head_dim)?;
        // 2. rotate
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        // 3. attend
        let attention = Attention {
            mask: context.mask,
            scale: self.heads.scale(),
            dropout: self.attention_dropout,
            dropout_key: context.dropout_key,
            cache: context.cache,
        };
        let mixed = attention.forward(&q, &k, &v)?;
        // 4. join heads: [B, S, H]
        self.o_proj.forward(&mixed.merge_heads()?)
    }
}

register_model!(LlamaForCausalLM, default for "llama");

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
