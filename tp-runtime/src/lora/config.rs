//! What an adapter is.

use super::Targets;
use crate::dropout::Dropout;
use crate::error::LoraError;

/// The settings of an adapter, with PEFT's defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// The rank of what is added to a weight (`r`).
    pub rank: i64,
    /// What is added is multiplied by this over the rank (`lora_alpha`).
    pub alpha: f64,
    /// How much of a layer's input A does not see in training (`lora_dropout`).
    pub dropout: Dropout,
    /// The layers that are adapted (`target_modules`).
    pub targets: Targets,
    /// Modules that are trained whole, by the end of their path, such as `embed_tokens` (`modules_to_save`).
    pub whole: Vec<String>,
    /// Whether alpha is divided by the root of the rank (`use_rslora`, Kalajdzievski 2023).
    pub rank_stabilized: bool,
    /// The model that is adapted, as its name stands in the files (`base_model_name_or_path`).
    pub base: Option<String>,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 8.0,
            dropout: Dropout::NONE,
            targets: Targets::AllLinear,
            whole: Vec::new(),
            rank_stabilized: false,
            base: None,
        }
    }
}

impl LoraConfig {
    /// What is added to a weight is multiplied by this.
    pub fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        match self.rank_stabilized {
            true => self.alpha / rank.sqrt(),
            false => self.alpha / rank,
        }
    }

    /// Whether the numbers can be worked with.
    ///
    /// # Errors
    /// When the rank is below 1, or alpha is not finite.
    pub(super) fn check(&self) -> Result<(), LoraError> {
        let Self { rank, alpha, .. } = *self;
        match (1..=1 << 20).contains(&rank) && alpha.is_finite() {
            true => Ok(()),
            false => Err(LoraError::Numbers { rank, alpha }),
        }
    }
}
