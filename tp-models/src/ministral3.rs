//! Ministral 3 (transformers `models/ministral3/modeling_ministral3.py`): Llama with queries that grow over long texts.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::{Value, json};
use tp_runtime::config::{self, ConfigError, QueryGrowth, RopeParameters};
use tp_runtime::dropout::Dropout;
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Linear};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{
    Decoder, DecoderConfig, GroupedQuery, PreNormLayer, SelfAttention, language_head,
};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits, project_heads},
    tch::Tensor,
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::{KvCache, Positions},
};

/// The defaults of transformers' `Ministral3Config`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 131072,
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 34,
    num_attention_heads: 32,
    num_key_value_heads: Some(8),
    head_dim: Some(128),
    norm_eps: 1e-5,
    hidden_act: Activation::Silu,
    tie_word_embeddings: false,
    pad_token_id: Some(11),
    attention_dropout: Dropout::NONE,
};

/// What a Ministral 3 `config.json` says besides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ministral3Config {
    /// The window every layer sees; everything where null.
    pub sliding_window: Option<i64>,
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
pub type Ministral3Model = Decoder<PreNormLayer<Ministral3Attention>>;

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
    heads: GroupedQuery,
    #[module(skip)]
    attention_dropout: Dropout,
    #[module(skip)]
    growth: Option<QueryGrowth>,
}

impl FromConfig for Ministral3ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let decoder = DecoderConfig::read(config, &DEFAULTS)?;
        let rope = rope(config)?;
        let Ministral3Config { sliding_window } = config::parse(config)?;
        let model = model(&decoder, &rope, sliding_window)?;
        let lm_head = language_head(&model.embed_tokens, decoder.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The decoder of these sizes, whose layers see `window`.
pub(crate) fn model(
    decoder: &DecoderConfig,
    rope: &RopeParameters,
    window: Option<i64>,
) -> Result<Ministral3Model> {
    let heads = decoder.heads()?;
    let layer = |_| PreNormLayer {
        self_attn: Ministral3Attention {
            q_proj: heads.query(false),
            k_proj: heads.key_value(false),
            v_proj: heads.key_value(false),
            o_proj: heads.output(false),
            heads,
            attention_dropout: decoder.attention_dropout,
            growth: rope.query_growth,
        },
        mlp: decoder.gated_mlp(false),
        input_layernorm: decoder.rms_norm(),
        post_attention_layernorm: decoder.rms_norm(),
        window,
    };
    let layers = (0..decoder.num_hidden_layers).map(layer);
    Ok(Decoder::new(decoder, rope, layers)?)
}

/// The config's rotary parameters, or those of transformers' `Ministral3Config`.
pub(crate) fn rope(config: &Value) -> Result<RopeParameters, ConfigError> {
    let mut config = config.clone();
    if config["rope_parameters"].is_null() {
        config["rope_parameters"] = json!({
            "rope_type": "yarn",
            "rope_theta": 1e6,
            "factor": 16.0,
            "original_max_position_embeddings": 16384,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "llama_4_scaling_beta": 0.1,
        });
    }
    let rope = RopeParameters::of(&config, 10_000.0)?;
    match rope.query_growth {
        Some(_) => Ok(rope),
        None => Err(ConfigError::Unsupported {
            reason: "the rotary parameters of a Ministral 3 need `llama_4_scaling_beta` and \
                     `original_max_position_embeddings`: its queries grow beyond that length"
                .to_owned(),
        }),
    }
}

/// What the queries at these positions are multiplied by, `[S, 1, 1]` or `[B, S, 1, 1]`; `None` where they do not grow.
#[cfg(feature = "torch")]
fn growth_at(growth: QueryGrowth, positions: &Positions) -> Result<Option<Tensor>> {
    if !positions.may_exceed(growth.context) {
        return Ok(None);
    }
    let contexts = positions
        .places()?
        .f_div_scalar(growth.context as f64)?
        .f_floor()?;
    let factor = contexts
        .f_log1p()?
        .f_mul_scalar(growth.beta)?
        .f_add_scalar(1.0)?;
    let factor = factor.f_to_kind(positions.kind())?;
    Ok(Some(factor.f_unsqueeze(-1)?.f_unsqueeze(-1)?))
}

impl Model for Ministral3ForCausalLM {
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

impl SelfAttention for Ministral3Attention {
    const DECODER: &'static str = "Ministral3Model";

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let (mut q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let growth = self
            .growth
            .map(|growth| growth_at(growth, context.positions));
        if let Some(growth) = growth.transpose()?.flatten() {
            q = q.map("growing queries", q.shape(), |q| q.f_mul(&growth))?;
        }
        let scale = self.heads.scale();
        let mixed = context.attend(&q, &k, &v, scale, self.attention_dropout)?;
        self.o_proj.forward(&mixed)
    }
}

register_model!(Ministral3ForCausalLM, default for "ministral3");

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
