//! Phi-3, Phi-3.5 and Phi-4 (Abdin et al. 2024; transformers `models/phi3/modeling_phi3.py`).
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! I intermediate, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::module::Segment;
use tp_runtime::nn::{Activation, Embedding, Linear, LinearShape, RmsNorm, RotaryEmbedding};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{GroupedQuery, language_head};

#[cfg(feature = "torch")]
use {
    crate::layers::logits,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{Attention, AttentionMask, KvCache, LayerCache, Positions, RotaryTables},
};

/// The fields of a Phi-3 `config.json`, with the defaults of transformers' `Phi3Config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Phi3Config {
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
    /// Whether the head shares the embedding's table.
    pub tie_word_embeddings: bool,
    /// The row of the embedding that gets no gradient from look-ups.
    pub pad_token_id: Option<i64>,
    /// The function of the gate.
    pub hidden_act: Activation,
    /// The window every layer sees; everything where null.
    pub sliding_window: Option<i64>,
}

impl Default for Phi3Config {
    fn default() -> Self {
        Self {
            vocab_size: 32064,
            hidden_size: 3072,
            intermediate_size: 8192,
            num_hidden_layers: 32,
            num_attention_heads: 32,
            num_key_value_heads: None,
            head_dim: None,
            rms_norm_eps: 1e-5,
            tie_word_embeddings: false,
            pad_token_id: Some(32000),
            hidden_act: Activation::Silu,
            sliding_window: None,
        }
    }
}

impl Phi3Config {
    fn attention(&self) -> Result<GroupedQuery, ConfigError> {
        GroupedQuery::new(
            self.hidden_size,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim,
        )
    }
}

/// Phi-3 with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Phi3ForCausalLM {
    model: Phi3Model,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
#[derive(Module)]
#[flow(embed_tokens -> layers -> norm)]
pub struct Phi3Model {
    #[module(weight = [vocab_size, hidden_size])]
    embed_tokens: Embedding,
    layers: Vec<Phi3DecoderLayer>,
    norm: RmsNorm,
    rotary_emb: RotaryEmbedding,
    #[module(skip)]
    window: Option<i64>,
}

/// One decoder layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct Phi3DecoderLayer {
    self_attn: Phi3Attention,
    mlp: Phi3Mlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
}

/// Grouped-query attention whose heads are projected at once and rotated in part.
#[derive(Module)]
#[flow(qkv_proj -> o_proj)]
pub struct Phi3Attention {
    #[module(weight = [(num_attention_heads, num_key_value_heads, num_key_value_heads), hidden_size])]
    qkv_proj: Linear,
    #[module(weight = [hidden_size, num_attention_heads])]
    o_proj: Linear,
    #[module(skip)]
    sizes: GroupedQuery,
}

/// The gated MLP, gate and value projected at once.
#[derive(Module)]
#[flow(gate_up_proj -> down_proj)]
pub struct Phi3Mlp {
    #[module(weight = [(intermediate_size, intermediate_size), hidden_size])]
    gate_up_proj: Linear,
    #[module(weight = [hidden_size, intermediate_size])]
    down_proj: Linear,
    #[module(skip)]
    activation: Activation,
}

impl FromConfig for Phi3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let rope = rope(config)?;
        let config: Phi3Config = config::parse(config)?;
        let model = Phi3Model::new(&config, &rope)?;
        let lm_head = language_head(&model.embed_tokens, config.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The config's rotary parameters; the context they were made for is 4096 where it does not say.
fn rope(config: &Value) -> Result<RopeParameters, ConfigError> {
    let mut config = config.clone();
    if let Some(fields) = config.as_object_mut() {
        for field in [
            "original_max_position_embeddings",
            "max_position_embeddings",
        ] {
            fields.entry(field).or_insert(Value::from(4096));
        }
    }
    RopeParameters::of(&config, 10_000.0)
}

impl Phi3Model {
    fn new(config: &Phi3Config, rope: &RopeParameters) -> Result<Self> {
        let sizes = config.attention()?;
        let layers = 0..config.num_hidden_layers;
        Ok(Self {
            embed_tokens: Embedding::new(
                config.vocab_size,
                config.hidden_size,
                config.pad_token_id,
            ),
            layers: layers
                .map(|_| Phi3DecoderLayer::new(config, sizes))
                .collect(),
            norm: RmsNorm::new(config.hidden_size, config.rms_norm_eps),
            rotary_emb: RotaryEmbedding::new(sizes.head_dim, rope)?,
            window: config.sliding_window,
        })
    }
}

impl Phi3DecoderLayer {
    fn new(config: &Phi3Config, sizes: GroupedQuery) -> Self {
        let norm = || RmsNorm::new(config.hidden_size, config.rms_norm_eps);
        Self {
            self_attn: Phi3Attention {
                qkv_proj: sizes.fused(),
                o_proj: sizes.output(false),
                sizes,
            },
            mlp: Phi3Mlp {
                gate_up_proj: Linear::new(LinearShape::fused(
                    config.hidden_size,
                    ["gate", "up"].map(|name| Segment::features(name, config.intermediate_size)),
                )),
                down_proj: Linear::new(LinearShape::new(
                    config.intermediate_size,
                    config.hidden_size,
                )),
                activation: config.hidden_act,
            },
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
        }
    }
}

impl Model for Phi3ForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.model.embed_tokens.weight().shape()[0]
    }

    fn recomputes_beyond(&self) -> Option<i64> {
        self.model.rotary_emb.changes_beyond()
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

    impl Phi3Model {
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
            let mask = positions.sliding(self.window)?;
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

    impl Phi3DecoderLayer {
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

    impl Phi3Attention {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(
            &self,
            x: &DTensor,
            rotary: &RotaryTables,
            mask: &AttentionMask,
            cache: Option<LayerCache<'_>>,
        ) -> Result<DTensor> {
            // 1. project: [B, S, A, D] and twice [B, S, K, D]
            let [q, k, v] = self.qkv_proj.forward_segments(x)?;
            let heads = |x: DTensor| x.split_heads(self.sizes.head_dim);
            let (q, k, v) = (heads(q)?, heads(k)?, heads(v)?);
            // 2. rotate
            let (q, k) = (rotary.rotate(&q)?, rotary.rotate(&k)?);
            // 3. attend
            let scale = self.sizes.scale();
            let mixed = Attention { mask, scale, cache }.forward(&q, &k, &v)?;
            // 4. join heads: [B, S, H]
            self.o_proj.forward(&mixed.merge_heads()?)
        }
    }

    impl Phi3Mlp {
        /// `[B, S, H]` → `[B, S, H]`
        fn forward(&self, x: &DTensor) -> Result<DTensor> {
            let [gate, up] = self.gate_up_proj.forward_segments(x)?;
            let gated = gate.zip(&up, "a gated activation", |gate, up| {
                self.activation.apply(&gate)?.f_mul(&up)
            })?;
            self.down_proj.forward(&gated)
        }
    }
}

register_model!(Phi3ForCausalLM);

tp_plan! {
    /// AutoModel's Phi-3 plan: heads are whole on every rank, MLP by columns of the fused projection.
    pub PHI3 for Phi3ForCausalLM;

    // module                                  tensor parallel                          | with sequence parallelism
    "model.embed_tokens"                    => VocabParallelEmbedding                   | VocabParallelEmbedding,
    "model.layers.*.self_attn.qkv_proj"     => Rowwise(input: Replicate)                | Rowwise(input: Replicate),
    "model.layers.*.self_attn.o_proj"       => Colwise(output: Replicate)               | Colwise(output: Replicate),
    "model.layers.*.mlp.gate_up_proj"       => Colwise(local: false)                    | Colwise(local: false),
    "model.layers.*.mlp.down_proj"          => Rowwise                                  | Rowwise,
    "lm_head"                               => Colwise(local: false)                    | Colwise(local: false),
}

tp_plan! {
    /// Attention by heads, and MLP by columns of gate and value alike, out of the fused projections.
    pub PHI3_FUSED for Phi3ForCausalLM as "fused";

    // module                                        tensor parallel                                        | with sequence parallelism
    "model.embed_tokens"                          => VocabParallelEmbedding                                 | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"              => _                                                      | SequenceParallelAllGatherActivation,
    "model.layers.*.self_attn.qkv_proj"           => Colwise(segments: [q, k, v], share_heads: true),
    "model.layers.*.self_attn.o_proj"             => Rowwise                                                | Rowwise(output: Shard(1)),
    "model.layers.*.post_attention_layernorm"     => _                                                      | SequenceParallelAllGatherActivation,
    "model.layers.*.mlp.gate_up_proj"             => Colwise(segments: [gate, up]),
    "model.layers.*.mlp.down_proj"                => Rowwise                                                | Rowwise(output: Shard(1)),
    "model.norm"                                  => _                                                      | SequenceParallel,
    "lm_head"                                     => Colwise(local: false)                                  | Colwise(input: Shard(1), local: false),
}
