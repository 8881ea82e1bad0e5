//! Granite (IBM 2024; transformers `models/granite/modeling_granite.py`): Llama with four multipliers.
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_models::layers::{GatedMlp, GroupedQuery, language_head, logits};
use tp_runtime::config::{self, RopeParameters};
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::nn::{
    Activation, Attention, AttentionMask, Embedding, KvCache, LayerCache, Linear, Positions,
    RmsNorm, RotaryEmbedding, RotaryTables,
};
use tp_runtime::{Module, Result, register_model, tp_plan};

/// The fields of a Granite `config.json`, with the defaults of transformers' `GraniteConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct GraniteConfig {
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
    /// Biases on gate, up and down.
    pub mlp_bias: bool,
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function of the gate.
    pub hidden_act: Activation,
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
    model: GraniteModel,
    lm_head: Linear,
    #[module(skip)]
    logits_scaling: f64,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> norm)]
pub struct GraniteModel {
    embed_tokens: Embedding,
    layers: Vec<GraniteDecoderLayer>,
    norm: RmsNorm,
    rotary_emb: RotaryEmbedding,
    #[module(skip)]
    embedding_multiplier: f64,
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
    head_dim: i64,
    #[module(skip)]
    scale: f64,
}

impl FromConfig for GraniteForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = RopeParameters::of(config, 10_000.0)?;
        let config: GraniteConfig = config::parse(config)?;
        let model = GraniteModel::new(&config, &rope)?;
        let lm_head = language_head(&model.embed_tokens, config.tie_word_embeddings);
        Ok(Self {
            model,
            lm_head,
            logits_scaling: config.logits_scaling,
        })
    }
}

impl GraniteModel {
    fn new(config: &GraniteConfig, rope: &RopeParameters) -> Result<Self> {
        let sizes = GroupedQuery::new(
            config.hidden_size,
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )?;
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|_| GraniteDecoderLayer::new(config, sizes))
                .collect(),
            norm: RmsNorm::new(config.hidden_size, config.rms_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, rope)?,
            embedding_multiplier: config.embedding_multiplier,
        })
    }

    /// `[B, S]` → `[B, S, H]`
    fn forward(&self, inputs: &Inputs, mut cache: Option<&mut KvCache>) -> Result<DTensor> {
        // 1. tokens
        let embedded = self.embed_tokens.forward(&inputs.input_ids)?;
        let mut x = embedded.scale(self.embedding_multiplier)?;
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

impl GraniteDecoderLayer {
    fn new(config: &GraniteConfig, sizes: GroupedQuery) -> Self {
        let norm = || RmsNorm::new(config.hidden_size, config.rms_norm_eps);
        Self {
            self_attn: GraniteAttention::new(config, sizes),
            mlp: GatedMlp::new(
                config.hidden_size,
                config.intermediate_size,
                config.hidden_act,
                config.mlp_bias,
            ),
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
            residual_multiplier: config.residual_multiplier,
        }
    }

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
        let x = x.add(&h.scale(self.residual_multiplier)?)?;
        // 2. MLP
        let h = self.post_attention_layernorm.forward(&x)?;
        let h = self.mlp.forward(&h)?;
        x.add(&h.scale(self.residual_multiplier)?)
    }
}

impl GraniteAttention {
    fn new(config: &GraniteConfig, sizes: GroupedQuery) -> Self {
        let bias = config.attention_bias;
        Self {
            q_proj: sizes.query(bias),
            k_proj: sizes.key_value(bias),
            v_proj: sizes.key_value(bias),
            o_proj: sizes.output(bias),
            head_dim: sizes.head_dim,
            scale: config.attention_multiplier,
        }
    }

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
        // 2. rotate
        let (q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
        // 3. attend
        let scale = self.scale;
        let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
        // 4. join heads: [B, S, H]
        self.o_proj.forward(&mixed.merge_heads()?)
    }
}

impl Model for GraniteForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.embed_tokens.weight().shape()[0]
    }

    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let hidden = self.model.forward(inputs, cache)?;
        let logits = logits(&self.lm_head, &hidden, inputs)?;
        logits.scale(1.0 / self.logits_scaling)
    }
}

register_model!(GraniteForCausalLM);

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
