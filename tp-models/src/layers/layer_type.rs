//! Layers that see the whole text, and layers that see a window of it.

use serde::Deserialize;
use tp_runtime::config::ConfigError;

#[cfg(feature = "torch")]
use {
    tp_runtime::Result,
    tp_runtime::nn::{AttentionMask, Positions},
};

/// How far back a layer sees, as `layer_types` of a config says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerType {
    /// To the beginning.
    FullAttention,
    /// Over the last `sliding_window` positions.
    SlidingAttention,
}

impl LayerType {
    /// The type of each of `layers` layers: as the config lists them, or by what `slides` says of each.
    ///
    /// # Errors
    /// When the list is of another length.
    pub fn of_layers(
        listed: Option<&[Self]>,
        layers: usize,
        slides: impl Fn(usize) -> bool,
    ) -> Result<Vec<Self>, ConfigError> {
        match listed {
            Some(listed) if listed.len() != layers => Err(ConfigError::Unsupported {
                reason: format!(
                    "`layer_types` has {} entries, and `num_hidden_layers` is {layers}",
                    listed.len()
                ),
            }),
            Some(listed) => Ok(listed.to_vec()),
            None => Ok((0..layers)
                .map(|layer| match slides(layer) {
                    true => Self::SlidingAttention,
                    false => Self::FullAttention,
                })
                .collect()),
        }
    }
}

/// The mask of each type of layer in one forward.
#[cfg(feature = "torch")]
pub struct LayerMasks {
    full: AttentionMask,
    sliding: AttentionMask,
}

#[cfg(feature = "torch")]
impl LayerMasks {
    /// The masks of the tokens at `positions`.
    ///
    /// # Errors
    /// When libtorch cannot allocate them.
    pub fn new(positions: &Positions<'_>, window: Option<i64>) -> Result<Self> {
        Ok(Self {
            full: positions.causal()?,
            sliding: positions.sliding(window)?,
        })
    }

    /// The mask of a layer.
    pub fn of(&self, layer: LayerType) -> &AttentionMask {
        match layer {
            LayerType::FullAttention => &self.full,
            LayerType::SlidingAttention => &self.sliding,
        }
    }
}
