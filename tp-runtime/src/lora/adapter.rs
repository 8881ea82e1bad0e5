//! An adapter that a model is to have: new, or from a folder.

use std::path::{Path, PathBuf};

use super::{LoraConfig, attach, check_names};
use crate::error::LoraError;
use crate::module::NamedLayer;

/// The adapter that a model is to have.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub(crate) config: LoraConfig,
    pub(crate) from: Start,
}

/// Where its weights come from.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// Random numbers for A and zeros for B: at first the model is as it was.
    Fresh {
        /// What the numbers follow from.
        seed: u64,
    },
    /// The folder of a saved one.
    Saved(PathBuf),
}

impl Adapter {
    /// A new adapter, whose random numbers follow from `seed`, whatever the ranks.
    pub fn new(config: LoraConfig, seed: u64) -> Self {
        let from = Start::Fresh { seed };
        Self { config, from }
    }

    /// The adapter in a folder of PEFT's layout: `adapter_config.json` beside `adapter_model.safetensors`.
    ///
    /// # Errors
    /// When its config cannot be read, or asks for what is not done here.
    pub fn open(dir: &Path) -> Result<Self, LoraError> {
        Ok(Self {
            config: LoraConfig::read(dir)?,
            from: Start::Saved(dir.to_owned()),
        })
    }

    /// Attaches it to the layers of a model.
    pub(crate) fn attach(&self, layers: &[NamedLayer<'_>]) -> Result<(), LoraError> {
        if let Start::Fresh { .. } = self.from {
            check_names(layers, &self.config)?;
        }
        attach(layers, &self.config)
    }

    /// What is adapted, and how.
    pub fn config(&self) -> &LoraConfig {
        &self.config
    }
}
