//! Layers that see the whole text, and layers that see a window of it.

use serde::Deserialize;
use tp_runtime::config::ConfigError;

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

    /// How many positions a token of such a layer sees, where sliding layers see `sliding_window`.
    pub fn window(self, sliding_window: Option<i64>) -> Option<i64> {
        match self {
            Self::FullAttention => None,
            Self::SlidingAttention => sliding_window,
        }
    }
}
