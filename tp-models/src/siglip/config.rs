//! The `vision_config` of a SigLIP tower.
//!
//! E hidden, A attention heads.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{ConfigError, parse};
use tp_runtime::dropout::Dropout;
use tp_runtime::nn::Activation;

use crate::layers::{TOWER, fields, of_type, require_inner};

/// The `vision_config` of a SigLIP tower, with the defaults of transformers' `SiglipVisionConfig`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct SiglipVisionConfig {
    /// E
    pub hidden_size: i64,
    /// Features inside the MLP.
    pub intermediate_size: i64,
    /// How many layers.
    pub num_hidden_layers: usize,
    /// A
    pub num_attention_heads: i64,
    /// Of each pixel.
    pub num_channels: i64,
    /// Pixels a side of an image.
    pub image_size: i64,
    /// Pixels a side of a patch.
    pub patch_size: i64,
    /// The function inside the MLP.
    pub hidden_act: Activation,
    /// Added to the variance in every norm.
    pub layer_norm_eps: f64,
    /// Whether there is a pooling head, which nothing in Gemma 3 reads; only a tower without one is known.
    pub vision_use_head: Option<bool>,
    /// Of the probabilities of every attention.
    pub attention_dropout: Dropout,
}

impl Default for SiglipVisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 16,
            hidden_act: Activation::GeluTanh,
            layer_norm_eps: 1e-6,
            vision_use_head: Some(true),
            attention_dropout: Dropout::NONE,
        }
    }
}

impl SiglipVisionConfig {
    /// A `vision_config`.
    pub(crate) fn read(config: &Value) -> Result<Self, ConfigError> {
        of_type(config, "siglip_vision_model")?;
        require_inner(&TOWER, fields(config)?)?;
        parse(config)
    }

    /// Patches a side of an image.
    pub(crate) fn side(&self) -> i64 {
        self.image_size / self.patch_size
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (heads, hidden) = (self.num_attention_heads, self.hidden_size);
        let reason = if self.vision_use_head == Some(true) {
            "`vision_use_head` of `vision_config` is true, as where it is absent: only a tower without a pooling head \
             is known, give false"
                .to_owned()
        } else if heads < 1 || hidden % heads != 0 {
            format!(
                "`hidden_size` of `vision_config` is {hidden}, which {heads} heads do not share evenly"
            )
        } else if self.patch_size > self.image_size {
            format!(
                "`patch_size` of `vision_config` is {}, which is more than `image_size`, {}",
                self.patch_size, self.image_size
            )
        } else {
            return Ok(());
        };
        Err(ConfigError::Unsupported { reason })
    }
}
