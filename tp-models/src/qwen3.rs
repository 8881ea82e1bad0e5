//! Qwen3 (Yang et al. 2025; transformers `models/qwen3/modeling_qwen3.py`): Qwen2 with a norm of every query and key in
//! place of biases.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, RopeParameters};
use tp_runtime::dropout::Dropout;
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Linear, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{
    Decoder, DecoderConfig, GroupedQuery, PreNormLayer, SelfAttention, language_head,
};
use crate::qwen2::{self, Qwen2Config};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits, project_heads},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::KvCache,
};

/// The defaults of transformers' `Qwen3Config`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    head_dim: Some(128),
    ..qwen2::DEFAULTS
};

/// What a Qwen3 `config.json` says besides what Qwen2's says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Qwen3Config {
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
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
pub type Qwen3Model = Decoder<PreNormLayer<Qwen3Attention>>;

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
    heads: GroupedQuery,
    #[module(skip)]
    attention_dropout: Dropout,
}

impl FromConfig for Qwen3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let (model, decoder) = model(config)?;
        let lm_head = language_head(&model.embed_tokens, decoder.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The decoder that `config` describes, and what it says as of every decoder.
pub(crate) fn model(config: &Value) -> Result<(Qwen3Model, DecoderConfig)> {
    let decoder = qwen2::decoder(config, &DEFAULTS)?;
    let rope = RopeParameters::of(config, 10_000.0)?;
    let Qwen3Config { attention_bias } = config::parse(config)?;
    let qwen2: Qwen2Config = config::parse(config)?;
    let heads = decoder.heads()?;
    let head_norm = || RmsNorm::new(heads.head_dim, decoder.norm_eps);
    let layer = |window| PreNormLayer {
        self_attn: Qwen3Attention {
            q_proj: heads.query(attention_bias),
            k_proj: heads.key_value(attention_bias),
            v_proj: heads.key_value(attention_bias),
            o_proj: heads.output(attention_bias),
            q_norm: head_norm(),
            k_norm: head_norm(),
            heads,
            attention_dropout: decoder.attention_dropout,
        },
        mlp: decoder.gated_mlp(false),
        input_layernorm: decoder.rms_norm(),
        post_attention_layernorm: decoder.rms_norm(),
        window,
    };
    let windows = qwen2.windows(decoder.num_hidden_layers)?;
    let layers = windows.into_iter().map(layer);
    Ok((Decoder::new(&decoder, &rope, layers)?, decoder))
}

impl Model for Qwen3ForCausalLM {
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

impl SelfAttention for Qwen3Attention {
    const DECODER: &'static str = "Qwen3Model";

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let (q, k) = (self.q_norm.forward(&q)?, self.k_norm.forward(&k)?);
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let scale = self.heads.scale();
        let mixed = context.attend(&q, &k, &v, scale, self.attention_dropout)?;
        self.o_proj.forward(&mixed)
    }
}

register_model!(Qwen3ForCausalLM, default for "qwen3");

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
