//! The `config.json` of Gemma 3 for text.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError};
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::Activation;

use crate::layers::{DecoderConfig, LayerType};

/// The defaults of transformers' `Gemma3TextConfig`.
pub const DEFAULTS: DecoderConfig = DecoderConfig {
    vocab_size: 262_208,
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: Some(4),
    head_dim: Some(256),
    norm_eps: 1e-6,
    hidden_act: Activation::GeluTanh,
    tie_word_embeddings: true,
    pad_token_id: Some(0),
    attention_dropout: Dropout::NONE,
};

/// What a Gemma 3 text `config.json` says besides.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Gemma3TextConfig {
    /// Biases on q, k, v and o.
    pub attention_bias: bool,
    /// Scores are divided by its square root.
    pub query_pre_attn_scalar: f64,
    /// Logits are bent to stay below it.
    pub final_logit_softcapping: Option<f64>,
    /// The window of the sliding layers.
    pub sliding_window: i64,
    /// How far back each layer sees.
    pub layer_types: Option<Vec<LayerType>>,
    /// Where `layer_types` is absent: every layer of this number sees everything, the others slide.
    pub sliding_window_pattern: Option<usize>,
    /// Whether positions see those after them; only `false` is known.
    pub use_bidirectional_attention: Option<bool>,
}

impl Default for Gemma3TextConfig {
    fn default() -> Self {
        Self {
            attention_bias: false,
            query_pre_attn_scalar: 256.0,
            final_logit_softcapping: None,
            sliding_window: 4096,
            layer_types: None,
            sliding_window_pattern: Some(6),
            use_bidirectional_attention: None,
        }
    }
}

/// The fields that decoders share whose names are others here.
const NAMES: [(&str, &str); 1] = [("hidden_act", "hidden_activation")];

/// The fields that decoders share.
pub(super) fn decoder(config: &Value) -> Result<DecoderConfig, ConfigError> {
    DecoderConfig::read_named(config, &DEFAULTS, &NAMES)
}

/// The same of a `text_config`.
pub(crate) fn inner_decoder(config: &Value) -> Result<DecoderConfig, ConfigError> {
    DecoderConfig::read_inner(config, &DEFAULTS, &NAMES)
}

impl Gemma3TextConfig {
    pub(super) fn read(config: &Value) -> Result<Self, ConfigError> {
        let config: Self = config::parse(config)?;
        if config.use_bidirectional_attention == Some(true) {
            let reason = "`use_bidirectional_attention` is true: only causal attention is known";
            let reason = reason.to_owned();
            return Err(ConfigError::Unsupported { reason });
        }
        Ok(config)
    }

    /// How far back each of `layers` layers sees.
    pub(super) fn layer_types(&self, layers: usize) -> Result<Vec<LayerType>, ConfigError> {
        let pattern = match (&self.layer_types, self.sliding_window_pattern) {
            (None, None) => {
                let reason = "`sliding_window_pattern` is null, and there are no `layer_types`";
                let reason = reason.to_owned();
                return Err(ConfigError::Unsupported { reason });
            }
            (_, pattern) => pattern.unwrap_or(1),
        };
        let slides = |layer| (layer + 1) % pattern != 0;
        LayerType::of_layers(self.layer_types.as_deref(), layers, slides)
    }
}
