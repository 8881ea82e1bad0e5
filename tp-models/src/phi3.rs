//! Phi-3, Phi-3.5 and Phi-4 (Abdin et al. 2024; transformers `models/phi3/modeling_phi3.py`): Llama with fused projections.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters, RopeScaling, field};
use tp_runtime::dropout::Dropout;
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::module::Segment;
use tp_runtime::nn::{Activation, Linear, LinearShape, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{
    Decoder, DecoderConfig, DecoderLayer, GroupedQuery, language_head, with_rope_type,
};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, gate, logits},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::KvCache,
};

/// The defaults of transformers' `Phi3Config`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 32064,
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: None,
    head_dim: None,
    norm_eps: 1e-5,
    hidden_act: Activation::Silu,
    tie_word_embeddings: false,
    pad_token_id: Some(32000),
    attention_dropout: Dropout::NONE,
};

/// What a Phi-3 `config.json` says besides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Phi3Config {
    /// The window every layer sees; everything where null.
    pub sliding_window: Option<i64>,
    /// Of what each branch of a layer adds. The `embd_pdrop` beside it is read by no class of transformers.
    pub resid_pdrop: Dropout,
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
pub type Phi3Model = Decoder<Phi3DecoderLayer>;

/// One decoder layer: attention and MLP, each after a norm, each added to the residual stream.
#[derive(Module)]
#[flow(input_layernorm -> self_attn -> + -> post_attention_layernorm -> mlp -> +)]
pub struct Phi3DecoderLayer {
    self_attn: Phi3Attention,
    mlp: Phi3Mlp,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    #[module(skip)]
    window: Option<i64>,
    #[module(skip)]
    resid_dropout: Dropout,
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
    heads: GroupedQuery,
    #[module(skip)]
    attention_dropout: Dropout,
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
        let decoder = DecoderConfig::read(config, &DEFAULTS)?;
        let config: Phi3Config = config::parse(config)?;
        let heads = decoder.heads()?;
        let (hidden, inner) = (decoder.hidden_size, decoder.intermediate_size);
        let gate_and_up = || ["gate", "up"].map(|name| Segment::features(name, inner));
        let layer = |_| Phi3DecoderLayer {
            self_attn: Phi3Attention {
                qkv_proj: heads.fused(),
                o_proj: heads.output(false),
                heads,
                attention_dropout: decoder.attention_dropout,
            },
            mlp: Phi3Mlp {
                gate_up_proj: Linear::new(LinearShape::fused(hidden, gate_and_up())),
                down_proj: Linear::new(LinearShape::new(inner, hidden)),
                activation: decoder.hidden_act,
            },
            input_layernorm: decoder.rms_norm(),
            post_attention_layernorm: decoder.rms_norm(),
            window: config.sliding_window,
            resid_dropout: config.resid_pdrop,
        };
        let layers = (0..decoder.num_hidden_layers).map(layer);
        let model = Decoder::new(&decoder, &rope, layers)?;
        let lm_head = language_head(&model.embed_tokens, decoder.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The config's rotary parameters: plain ones or LongRoPE's, whose first names were others.
fn rope(config: &Value) -> Result<RopeParameters, ConfigError> {
    let mut config = with_rope_type(config, &["su", "yarn"], "longrope");
    if let Some(fields) = config.as_object_mut() {
        for field in [
            "original_max_position_embeddings",
            "max_position_embeddings",
        ] {
            fields.entry(field).or_insert(Value::from(4096));
        }
    }
    // Where nothing is scaled, nobody else looks at it.
    field::<i64>(&config, "original_max_position_embeddings")?;
    let rope = RopeParameters::of_parts(&config, 10_000.0, 1.0)?;
    match rope.scaling {
        RopeScaling::Default | RopeScaling::LongRope(_) => Ok(rope),
        _ => Err(ConfigError::Unsupported {
            reason: "the `rope_type` of a Phi-3 has to be `default` or `longrope`".to_owned(),
        }),
    }
}

impl Model for Phi3ForCausalLM {
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

impl DecoderLayer for Phi3DecoderLayer {
    const DECODER: &'static str = "Phi3Model";

    fn window(&self) -> Option<i64> {
        self.window
    }

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let key = context.dropout_key;
        // 1. attention
        let h = self.input_layernorm.forward(x)?;
        let h = self.self_attn.forward(&h, context)?;
        let x = x.add(&self.resid_dropout.apply(&h, key)?)?;
        // 2. MLP
        let h = self.post_attention_layernorm.forward(&x)?;
        let h = self.mlp.forward(&h)?;
        x.add(&self.resid_dropout.apply(&h, key)?)
    }
}

#[cfg(feature = "torch")]
impl Phi3Attention {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let [q, k, v] = self.qkv_proj.forward_segments(x)?;
        let heads = |x: DTensor| x.split_heads(self.heads.head_dim);
        let (q, k, v) = (heads(q)?, heads(k)?, heads(v)?);
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let scale = self.heads.scale();
        let mixed = context.attend(&q, &k, &v, scale, self.attention_dropout)?;
        self.o_proj.forward(&mixed)
    }
}

#[cfg(feature = "torch")]
impl Phi3Mlp {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor) -> Result<DTensor> {
        let [gate, up] = self.gate_up_proj.forward_segments(x)?;
        self.down_proj
            .forward(&self::gate(self.activation, &gate, &up)?)
    }
}

register_model!(Phi3ForCausalLM, default for "phi3");

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
    "model.layers.*.self_attn.qkv_proj"           => Colwise(segments: [q, k, v]),
    "model.layers.*.self_attn.o_proj"             => Rowwise                                                | Rowwise(output: Shard(1)),
    "model.layers.*.post_attention_layernorm"     => _                                                      | SequenceParallelAllGatherActivation,
    "model.layers.*.mlp.gate_up_proj"             => Colwise(segments: [gate, up]),
    "model.layers.*.mlp.down_proj"                => Rowwise                                                | Rowwise(output: Shard(1)),
    "model.norm"                                  => _                                                      | SequenceParallel,
    "lm_head"                                     => Colwise(local: false)                                  | Colwise(input: Shard(1), local: false),
}
