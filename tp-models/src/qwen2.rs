//! Qwen2 and Qwen2.5 (Yang et al. 2024; transformers `models/qwen2/modeling_qwen2.py`): Llama with biases on the way
//! into attention, and layers that see a window only.
//!
//! Shapes: B batch, S sequence, H hidden, V vocabulary. Every shape is that of the whole tensor.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError, RopeParameters};
use tp_runtime::dropout::Dropout;
use tp_runtime::model::{FromConfig, Model};
use tp_runtime::nn::{Activation, Linear};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::{
    Decoder, DecoderConfig, GroupedQuery, LayerType, PreNormLayer, SelfAttention, language_head,
};

#[cfg(feature = "torch")]
use {
    crate::layers::{LayerContext, logits, project_heads},
    tp_runtime::dtensor::DTensor,
    tp_runtime::model::Inputs,
    tp_runtime::nn::KvCache,
};

/// The defaults of transformers' `Qwen2Config`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 151936,
    hidden_size: 4096,
    intermediate_size: 22016,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: Some(32),
    head_dim: None,
    norm_eps: 1e-6,
    hidden_act: Activation::Silu,
    tie_word_embeddings: false,
    pad_token_id: None,
    attention_dropout: Dropout::NONE,
};

/// What a Qwen2 `config.json` says besides.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Qwen2Config {
    /// Whether some layers see a window only.
    pub use_sliding_window: bool,
    /// That window.
    pub sliding_window: Option<i64>,
    /// How many layers see everything, from the first on, where `layer_types` does not say.
    pub max_window_layers: usize,
    /// How far back each layer sees.
    pub layer_types: Option<Vec<LayerType>>,
}

impl Default for Qwen2Config {
    fn default() -> Self {
        Self {
            use_sliding_window: false,
            sliding_window: Some(4096),
            max_window_layers: 28,
            layer_types: None,
        }
    }
}

/// The fields that decoders share; null stands for as many key-value heads as query heads, though the class has
/// a number of its own.
pub(crate) fn decoder(
    config: &Value,
    defaults: &DecoderConfig,
) -> Result<DecoderConfig, ConfigError> {
    let name = "num_key_value_heads";
    if config.get(name).is_none_or(|given| !given.is_null()) {
        return DecoderConfig::read(config, defaults);
    }
    let mut config = config.clone();
    config[name] = config["num_attention_heads"].clone();
    DecoderConfig::read(&config, defaults)
}

impl Qwen2Config {
    /// The window of each of `layers` layers.
    pub(crate) fn windows(&self, layers: usize) -> Result<Vec<Option<i64>>, ConfigError> {
        let window = self.sliding_window.filter(|_| self.use_sliding_window);
        let slides = |layer| window.is_some() && layer >= self.max_window_layers;
        let types = LayerType::of_layers(self.layer_types.as_deref(), layers, slides)?;
        if window.is_none() && types.contains(&LayerType::SlidingAttention) {
            let reason = "`layer_types` has layers that slide, and no window: give `sliding_window`, and \
                          `use_sliding_window` true";
            let reason = reason.to_owned();
            return Err(ConfigError::Unsupported { reason });
        }
        Ok(types
            .into_iter()
            .map(|layer| layer.window(window))
            .collect())
    }
}

/// Qwen2 with a language-modelling head.
#[derive(Module)]
#[flow(model -> lm_head)]
pub struct Qwen2ForCausalLM {
    model: Qwen2Model,
    #[module(weight = [vocab_size, hidden_size])]
    lm_head: Linear,
}

/// The decoder without its head.
pub type Qwen2Model = Decoder<PreNormLayer<Qwen2Attention>>;

/// Grouped-query attention with rotary positions, and biases on the way in.
#[derive(Module)]
#[flow(q_proj, k_proj, v_proj -> o_proj)]
pub struct Qwen2Attention {
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

impl FromConfig for Qwen2ForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let (model, decoder) = model(config)?;
        let lm_head = language_head(&model.embed_tokens, decoder.tie_word_embeddings);
        Ok(Self { model, lm_head })
    }
}

/// The decoder that `config` describes, and what it says as of every decoder.
pub(crate) fn model(config: &Value) -> Result<(Qwen2Model, DecoderConfig)> {
    let rope = RopeParameters::of(config, 10_000.0)?;
    let decoder = decoder(config, &DEFAULTS)?;
    let config: Qwen2Config = config::parse(config)?;
    let heads = decoder.heads()?;
    let layer = |window| PreNormLayer {
        self_attn: Qwen2Attention {
            q_proj: heads.query(true),
            k_proj: heads.key_value(true),
            v_proj: heads.key_value(true),
            o_proj: heads.output(false),
            heads,
            attention_dropout: decoder.attention_dropout,
        },
        mlp: decoder.gated_mlp(false),
        input_layernorm: decoder.rms_norm(),
        post_attention_layernorm: decoder.rms_norm(),
        window,
    };
    let windows = config.windows(decoder.num_hidden_layers)?;
    let layers = windows.into_iter().map(layer);
    Ok((Decoder::new(&decoder, &rope, layers)?, decoder))
}

impl Model for Qwen2ForCausalLM {
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

impl SelfAttention for Qwen2Attention {
    const DECODER: &'static str = "Qwen2Model";

    #[cfg(feature = "torch")]
    fn forward(&self, x: &DTensor, context: LayerContext<'_>) -> Result<DTensor> {
        let projections = [&self.q_proj, &self.k_proj, &self.v_proj];
        let [q, k, v] = project_heads(x, projections, self.heads.head_dim)?;
        let (q, k) = (context.rotary.rotate(&q)?, context.rotary.rotate(&k)?);
        let scale = self.heads.scale();
        let mixed = context.attend(&q, &k, &v, scale, self.attention_dropout)?;
        self.o_proj.forward(&mixed)
    }
}

register_model!(Qwen2ForCausalLM, default for "qwen2");

tp_plan! {
    /// Qwen2's decoder: attention by heads, MLP by columns, vocabulary split over ranks.
    pub QWEN2_MODEL for Qwen2Model;

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
    /// The decoder's plan, and a head that leaves logits split over the vocabulary (AutoModel's Qwen2 plan).
    pub QWEN2 for Qwen2ForCausalLM;

    "model"   => include QWEN2_MODEL,
    "lm_head" => Colwise(local: false) | Colwise(input: Shard(1), local: false),
}
