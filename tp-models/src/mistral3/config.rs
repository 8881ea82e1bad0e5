//! The `config.json` of Mistral 3, and the two configs in it.
//!
//! M patches a side that are merged into one position.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{ConfigError, RopeParameters, field, model_type};
use tp_runtime::nn::Activation;

use crate::layers::DecoderConfig;
use crate::ministral3;

/// The defaults of transformers' `MistralConfig`.
const MISTRAL: DecoderConfig = DecoderConfig {
    vocab_size: 32000,
    num_hidden_layers: 32,
    head_dim: None,
    norm_eps: 1e-6,
    pad_token_id: None,
    ..ministral3::DEFAULTS
};

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
    /// The layer of the tower whose output is read.
    pub vision_feature_layer: FeatureLayer,
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
            vision_feature_layer: FeatureLayer::One(-1),
            spatial_merge_size: 2,
            tie_word_embeddings: None,
        }
    }
}

/// A layer of the tower, counted from the end where negative, or a list of layers.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "neither a layer of the tower nor a list of layers"
)]
pub enum FeatureLayer {
    /// One of them.
    One(i64),
    /// Several, of which only one alone is known.
    Several(Vec<i64>),
}

/// The configs inside.
#[derive(Deserialize)]
pub(super) struct Parts {
    pub(super) text_config: Value,
    pub(super) vision_config: Value,
}

/// The decoder's fields and rotary parameters: Ministral 3's, or those of Mistral, which is the same with other
/// defaults and queries that do not grow.
pub(super) fn decoder(text: &Value) -> Result<(DecoderConfig, RopeParameters), ConfigError> {
    match model_type(text)? {
        Some("ministral3") => {
            let decoder = DecoderConfig::read_inner(text, &ministral3::DEFAULTS, &[])?;
            Ok((decoder, ministral3::rope(text)?))
        }
        None | Some("mistral") => {
            let decoder = DecoderConfig::read_inner(text, &MISTRAL, &[])?;
            let rope = RopeParameters::of(text, 10_000.0)?;
            Ok((
                decoder,
                RopeParameters {
                    query_growth: None,
                    ..rope
                },
            ))
        }
        Some(other) => Err(ConfigError::Field {
            path: "model_type".to_owned(),
            reason: format!(
                "`{other}` is another model, and only `ministral3` and `mistral` are known here"
            ),
        }),
    }
}

/// The window that every layer sees, which is Mistral's where the config says nothing.
pub(super) fn window(text: &Value) -> Result<Option<i64>, ConfigError> {
    let mistral = (model_type(text)? != Some("ministral3")).then_some(4096);
    match text.get("sliding_window") {
        None => Ok(mistral),
        Some(Value::Null) => Ok(None),
        Some(_) => field(text, "sliding_window"),
    }
}

/// How many layers of the tower lead to `vision_feature_layer`.
pub(super) fn depth(config: &Mistral3Config, layers: usize) -> Result<usize, ConfigError> {
    let asked = match &config.vision_feature_layer {
        FeatureLayer::One(layer) => *layer,
        FeatureLayer::Several(listed) => match listed[..] {
            [layer] => layer,
            _ => {
                let reason = format!(
                    "`vision_feature_layer` is {listed:?}: the projector reads one layer of the tower"
                );
                return Err(ConfigError::Unsupported { reason });
            }
        },
    };
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
