//! The `vision_config` of a Pixtral tower.
//!
//! P pixels a side of a patch, E hidden, D head dimension.

use serde::Deserialize;
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::Activation;

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
    /// The base of the frequencies, as transformers 4 spells it.
    pub rope_theta: f64,
    /// The same in transformers 5.
    pub rope_parameters: Option<AxialRope>,
    /// Of the probabilities of every attention.
    pub attention_dropout: Dropout,
}

/// Rotary embeddings by the row and the column of a patch.
#[derive(Clone, Debug, Deserialize)]
pub struct AxialRope {
    /// The base of the frequencies.
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
            rope_theta: 10_000.0,
            rope_parameters: None,
            attention_dropout: Dropout::NONE,
        }
    }
}
