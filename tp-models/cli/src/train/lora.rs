//! The adapter of a job.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use tp_runtime::dropout::Dropout;
use tp_runtime::lora::{Adapter, LoraConfig, Targets};

use crate::numbers::{count, positive, ratio};

/// Trains an adapter of low rank, and leaves the model as it is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "LoRA")]
pub(crate) struct LoraArgs {
    /// Train an adapter of this rank
    #[arg(long, value_name = "R", value_parser = count, conflicts_with = "adapter")]
    lora_rank: Option<NonZeroUsize>,
    /// What it adds is multiplied by A over the rank [default: twice the rank]
    #[arg(long, value_name = "A", requires = "lora_rank", value_parser = positive)]
    lora_alpha: Option<f64>,
    /// The linear layers that it is for, by the ends of their names, such as `q_proj,v_proj`; or all but the head
    #[arg(
        long,
        value_name = "NAMES",
        requires = "lora_rank",
        value_delimiter = ',',
        default_value = "all-linear"
    )]
    lora_targets: Vec<String>,
    /// How much of a layer's input the adapter does not see
    #[arg(long, value_name = "PART", requires = "lora_rank", default_value_t = 0.0, value_parser = ratio)]
    lora_dropout: f64,
    /// Modules that are trained whole beside it, by the ends of their names, such as `embed_tokens,lm_head`
    #[arg(
        long,
        value_name = "NAMES",
        requires = "lora_rank",
        value_delimiter = ','
    )]
    lora_whole: Vec<String>,
    /// Divide alpha by the root of the rank (rsLoRA)
    #[arg(long, requires = "lora_rank")]
    lora_rank_stabilized: bool,
    /// Go on training the adapter in this folder
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
}

impl LoraArgs {
    /// Whether an adapter is trained.
    pub(crate) fn is_asked(&self) -> bool {
        self.lora_rank.is_some() || self.adapter.is_some()
    }

    /// The adapter that training starts from, for the model called `base`; `None` where the model itself is trained.
    pub(crate) fn adapter(&self, base: Option<&Path>, seed: u64) -> Result<Option<Adapter>> {
        if let Some(dir) = &self.adapter {
            return Ok(Some(Adapter::open(dir)?));
        }
        let config = self.config(base)?;
        Ok(config.map(|config| Adapter::new(config, seed)))
    }

    /// The adapter's settings, where a new one is asked for.
    pub(crate) fn config(&self, base: Option<&Path>) -> Result<Option<LoraConfig>> {
        let Some(rank) = self.lora_rank else {
            return Ok(None);
        };
        let targets = match &self.lora_targets[..] {
            [all] if *all == Targets::AllLinear.to_string() => Targets::AllLinear,
            names => Targets::Names(names.to_vec()),
        };
        Ok(Some(LoraConfig {
            rank: rank.get() as i64,
            alpha: self.lora_alpha.unwrap_or(2.0 * rank.get() as f64),
            dropout: Dropout::new(self.lora_dropout)?,
            targets,
            whole: self.lora_whole.clone(),
            rank_stabilized: self.lora_rank_stabilized,
            base: base.map(|base| base.display().to_string()),
        }))
    }
}
