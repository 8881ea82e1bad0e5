//! The `vision_config` of a Pixtral tower.
//!
//! P pixels a side of a patch, E hidden, D head dimension.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{ConfigError, RopeParameters, RopeScaling, parse};
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::Activation;

use crate::layers::{TOWER, fields, of_type, require_inner, with_rope_type};

/// The `vision_config` of a Pixtral tower, with the defaults of transformers' `PixtralVisionConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct PixtralVisionConfig {
    /// E
    pub hidden_size: i64,
    /// Features inside the MLP.
    pub intermediate_size: i64,
    /// How many layers.
    pub num_hidden_layers: usize,
    /// E / D
    pub num_attention_heads: i64,
    /// Of each pixel.
    pub num_channels: i64,
    /// P
    pub patch_size: i64,
    /// The function of the gate.
    pub hidden_act: Activation,
    /// Of the probabilities of every attention.
    pub attention_dropout: Dropout,
    /// D; E over the heads, which is all that is known.
    pub head_dim: Option<i64>,
    /// The base of the frequencies.
    #[serde(skip)]
    pub rope_theta: f64,
}

impl Default for PixtralVisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 1024,
            intermediate_size: 4096,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            num_channels: 3,
            patch_size: 16,
            hidden_act: Activation::Gelu,
            head_dim: None,
            rope_theta: 10_000.0,
            attention_dropout: Dropout::NONE,
        }
    }
}

impl PixtralVisionConfig {
    /// A `vision_config`.
    pub(crate) fn read(config: &Value) -> Result<Self, ConfigError> {
        of_type(config, "pixtral")?;
        require_inner(&TOWER, fields(config)?)?;
        // Both names mean the rotation of this tower.
        let rope = RopeParameters::of(&with_rope_type(config, &["axial"], "default"), 10_000.0)?;
        if rope.scaling != RopeScaling::Default {
            let reason = "the `rope_type` of a Pixtral tower has to be `axial` or `default`";
            let reason = reason.to_owned();
            return Err(ConfigError::Unsupported { reason });
        }
        let rope_theta = rope.rope_theta;
        Ok(Self {
            rope_theta,
            ..parse(config)?
        })
    }
}
