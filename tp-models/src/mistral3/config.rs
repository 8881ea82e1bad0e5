//! The `config.json` of Mistral 3, and the two configs in it.
//!
//! M patches a side that are merged into one position.

use serde::Deserialize;
use serde_json::{Value, json};
use tp_runtime::config::{ConfigError, RopeParameters};
use tp_runtime::nn::Activation;

use crate::ministral3;
use crate::pixtral::PixtralVisionConfig;

/// The fields of a Mistral 3 `config.json` outside the two configs it holds, with the defaults of
/// transformers' `Mistral3Config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Mistral3Config {
    /// The token that stands for one position of an image.
    #[serde(alias = "image_token_id")]
    pub image_token_index: i64,
    /// The function between the projector's layers.
    pub projector_hidden_act: Activation,
    /// Biases in the projector.
    pub multimodal_projector_bias: bool,
    /// The layer of the tower whose output is read; counts from the end where negative.
    pub vision_feature_layer: i64,
    /// M
    pub spatial_merge_size: i64,
    /// Whether the head shares the embedding's table; what the text model says where absent.
    pub tie_word_embeddings: Option<bool>,
}

impl Default for Mistral3Config {
    fn default() -> Self {
        Self {
            image_token_index: 10,
            projector_hidden_act: Activation::Gelu,
            multimodal_projector_bias: false,
            vision_feature_layer: -1,
            spatial_merge_size: 2,
            tie_word_embeddings: None,
        }
    }
}

/// The configs inside.
#[derive(Deserialize)]
pub(super) struct Parts {
    pub(super) text_config: Value,
    pub(super) vision_config: PixtralVisionConfig,
}

/// The decoder's config: Ministral 3's, or that of Mistral, which is the same with other defaults.
pub(super) fn text_config(text: Value) -> Result<(Value, RopeParameters), ConfigError> {
    match text["model_type"].as_str() {
        Some("ministral3") => {
            let rope = ministral3::rope(&text)?;
            Ok((text, rope))
        }
        None | Some("mistral") => {
            let mut whole = json!({
                "vocab_size": 32000,
                "num_hidden_layers": 32,
                "head_dim": null,
                "rms_norm_eps": 1e-6,
                "pad_token_id": null,
                "sliding_window": 4096,
            });
            if let (Value::Object(whole), Value::Object(given)) = (&mut whole, &text) {
                whole.extend(given.clone());
            }
            Ok((whole, RopeParameters::of(&text, 10_000.0)?))
        }
        Some(other) => {
            let reason = format!(
                "`text_config` is of `model_type` {other:?}: it has to be \"ministral3\" or \"mistral\""
            );
            Err(ConfigError::Unsupported { reason })
        }
    }
}

/// How many layers of the tower lead to `vision_feature_layer`.
pub(super) fn depth(config: &Mistral3Config, layers: usize) -> Result<usize, ConfigError> {
    let asked = config.vision_feature_layer;
    let depth = match asked {
        0.. => usize::try_from(asked).ok(),
        _ => (layers + 1).checked_sub(asked.unsigned_abs() as usize),
    };
    let fitting = depth.filter(|depth| *depth <= layers);
    fitting.ok_or_else(|| ConfigError::Unsupported {
        reason: format!(
            "`vision_feature_layer` is {asked}, and the vision tower has {layers} layers"
        ),
    })
}
