//! Granite (IBM 2024; transformers `models/granite/modeling_granite.py`): Llama with four multipliers.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_models::layers::{
    Decoder, DecoderConfig, DecoderLayer, GatedMlp, GroupedQuery, LayerContext, language_head,
    logits, project_heads,
};
use tp_models::llama::LlamaConfig;
use tp_runtime::config::{self, RopeParameters};
use tp_runtime::dropout::Dropout;
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::nn::{KvCache, Linear, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

/// The defaults of transformers' `GraniteConfig`, which are Llama's.
const DEFAULTS: DecoderConfig = tp_models::llama::DEFAULTS;

/// What a Granite `config.json` says besides what Llama's says.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct GraniteConfig {
    /// What embeddings are multiplied by.
    pub embedding_multiplier: f64,
    /// What each branch is multiplied by before it joins the residual stream.
    pub residual_multiplier: f64,
    /// What attention scores are multiplied by.
    pub attention_multiplier: f64,
    /// What logits are divided by.
    pub logits_scaling: f64,
}

impl Default for GraniteConfig {
    fn default() -> Self {
        Self {
            embedding_multiplier: 1.0,
            residual_multiplier: 1.0,
            attention_multiplier: 1.0,
            logits_scaling: 1.0,
        }
    }
}

/// Granite with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct GraniteForCausalLM {
    model: Decoder<GraniteDecoderLayer>,
    lm_head: Linear,
    #[module(skip)]
    embedding_multiplier: f64,
    #[module(skip)]
    logits_scaling: f64,
}

/// One decoder layer: attention and MLP, each after a norm, each scaled into the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct GraniteDecoderLayer {
    self_attn: GraniteAttention,
    mlp: GatedMlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    #[module(skip)]
    residual_multiplier: f64,
}

/// Grouped-query attention with rotary positions and a scale of its own.
#[derive(Module)]
#[flow(q_proj, k_proj, v_proj -> o_proj)]
pub struct GraniteAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    #[module(skip)]
    heads: GroupedQuery,
    #[module(skip)]
    scale: f64,
    #[module(skip)]
    attention_dropout: Dropout,
}

impl FromConfig for GraniteForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = RopeParameters::of(config, 10_000.0)?;
        let decoder = DecoderConfig::read(config, &DEFAULTS)?;
        let llama: LlamaConfig = config::parse(config)?;
        let config: GraniteConfig = config::parse(config)?;
        let heads = decoder.heads()?;
        let layer = |_| GraniteDecoderLayer {
            self_attn: GraniteAttention {
                q_proj: heads.query(llama.attention_bias),
                k_proj: heads.key_value(llama.attention_bias),
                v_proj: heads.key_value(llama.attention_bias),
                o_proj: heads.output(llama.attention_bias),
                heads,
                scale: config.attention_multiplier,
                attention_dropout: decoder.attention_dropout,
            },
            mlp: decoder.gated_mlp(llama.mlp_bias),
            input_layernorm: decoder.rms_norm(),
            post_attention_layernorm: decoder.rms_norm(),
            residual_multiplier: config.residual_multiplier,
        };
        let layers = (0..decoder.num_hidden_layers).map(layer);
        let model = Decoder::new(&decoder, &rope, layers)?;
        Ok(Self {
            lm_head: language_head(&model.embed_tokens, decoder.tie_word_embeddings),
            model,
            embedding_multiplier: config.embedding_multiplier,
            logits_scaling: config.logits_scaling,
        })
    }
}

impl Model for GraniteForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.rotary_emb.changes_between(cached, length)
    }

    /// `[B, S]` → `[B, S, V]`
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let embedded = self.model.embed_tokens.forward(&inputs.input_ids)?;
        let x = embedded.scale(self.embedding_multiplier)?;
        let hidden = self.model.decode(x, inputs, cache)?;
        let logits = logits(&self.lm_head, &hidden, inputs)?;
        logits.scale(1.0 / self.logits_scaling)
    }
}

impl DecoderLayer for GraniteDecoderLayer {
    const DECODER: &'static str = "GraniteModel";

    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        // 1. attention
        let h = self.input_layernorm.forward(x)?;
        let h = self.self_attn.forward(&h, context)?;
        let x = x.add(&h.scale(self.residual_multiplier)?)?;
        // 2. MLP
        let h = self.post_attention_layernorm.forward(&x)?;
        let h = self.mlp.forward(&h)?;
        x.add(&h.scale(self.residual_multiplier)?)
    }
}

impl GraniteAttention {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let mixed = context.attend(&q, &k, &v, self.scale, self.attention_dropout)?;
        self.o_proj.forward(&mixed)
    }
}

register_model!(GraniteForCausalLM, default for "granite");

tp_plan! {
    /// Attention by heads, MLP by columns, vocabulary split over ranks.
    pub GRANITE for GraniteForCausalLM;

    // module                                     tensor parallel        | with sequence parallelism
    "model.embed_tokens"                       => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"           => _                      | SequenceParallelAllGatherActivation,
    "model.layers.*.self_attn.{q,k,v}_proj"    => Colwise,
    "model.layers.*.self_attn.o_proj"          => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.post_attention_layernorm"  => _                      | SequenceParallelAllGatherActivation,
    "model.layers.*.mlp.{gate,up}_proj"        => Colwise,
    "model.layers.*.mlp.down_proj"             => Rowwise                | Rowwise(output: Shard(1)),
    "model.norm"                               => _                      | SequenceParallel,
    "lm_head"                                  => Colwise                | Colwise(input: Shard(1)),
}
