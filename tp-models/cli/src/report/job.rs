//! `job.toml`: the flags of `tp train` that a run was started with.

use std::fmt::Display;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value;
use tp_runtime::explain::{Explanation, Setup, TrainingSetup};
use tp_runtime::train::{BatchSize, TrainOptions};

use crate::explain::explained;
use crate::hub::{Files, resolve_here};
use crate::model::{Dtype, mode};
use crate::numbers::count;
use crate::stages::{Recomputed, Stage};

/// What of a job file decides costs, with the defaults of `tp train`.
#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Job {
    model: Option<PathBuf>,
    config: Option<PathBuf>,
    lora_rank: Option<u64>,
    adapter: Option<PathBuf>,
    tp: u64,
    dp: u64,
    sequence_parallel: bool,
    plan: Option<String>,
    sequence: u64,
    #[serde(alias = "batch")]
    global_batch: u64,
    micro_batch: Option<u64>,
    zero: u64,
    recompute: String,
    dtype: String,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            model: None,
            config: None,
            lora_rank: None,
            adapter: None,
            tp: 1,
            dp: 1,
            sequence_parallel: false,
            plan: None,
            sequence: 128,
            global_batch: 8,
            micro_batch: None,
            zero: 1,
            recompute: "none".to_owned(),
            dtype: "f32".to_owned(),
        }
    }
}

impl Job {
    /// Reads a job file.
    ///
    /// # Errors
    /// When it is no TOML, or a field that decides costs is of another type.
    pub(super) fn of(text: &str) -> Result<Self> {
        toml::from_str(text).context("`job.toml` is not understood")
    }

    /// What the model was built from, where it is still found from here; the hub is not asked for it.
    pub(super) fn start(&self) -> Option<PathBuf> {
        let start = self.model.as_deref().or(self.config.as_deref())?;
        let found = resolve_here(start, Files::Config).ok();
        found.filter(|path| path.exists())
    }

    /// Whether an adapter is trained, and the model stays as it is.
    pub(super) fn trains_adapter(&self) -> bool {
        self.lora_rank.is_some() || self.adapter.is_some()
    }

    /// What its plan makes of the model of this config; of an adapter, nothing is counted.
    ///
    /// # Errors
    /// When a field is out of its limits, or the model cannot be run so.
    pub(super) fn explain(&self, config: &Value) -> Result<Explanation> {
        let data_ranks = ranks("dp", self.dp)?;
        within("sequence", self.sequence, 2..=1 << 24)?;
        within("global-batch", self.global_batch, 1..=1 << 24)?;
        let micro = match self.micro_batch {
            Some(micro) => micro,
            None => (self.global_batch / self.dp).max(1),
        };
        within("micro-batch", micro, 1..=1 << 16)?;
        let size = BatchSize::new(self.global_batch as usize, micro as usize, data_ranks.get())?;
        let setup = Setup {
            degree: ranks("tp", self.tp)?,
            mode: mode(self.sequence_parallel),
            batch: micro,
            sequence: self.sequence,
            dtype: named::<Dtype>("dtype", &self.dtype)?.into(),
        };
        let training = TrainingSetup {
            data_ranks,
            accumulation: NonZeroU64::new(size.accumulation() as u64).unwrap_or(NonZeroU64::MIN),
            options: TrainOptions {
                zero: named::<Stage>("zero", &self.zero)?.into(),
                recompute: named::<Recomputed>("recompute", &self.recompute)?.into(),
                ..TrainOptions::default()
            },
        };
        let training = Some(training).filter(|_| !self.trains_adapter());
        explained(config, self.plan.as_deref(), setup, training)
    }
}

fn ranks(field: &str, value: u64) -> Result<NonZeroUsize> {
    count(&value.to_string())
        .map_err(|reason| anyhow!("`{field}` of `job.toml` is {value}: {reason}"))
}

fn within(field: &str, value: u64, limits: RangeInclusive<u64>) -> Result<()> {
    ensure!(
        limits.contains(&value),
        "`{field}` of `job.toml` is {value}: give a whole number from {} to {}",
        limits.start(),
        limits.end()
    );
    Ok(())
}

/// The value of a flag.
fn named<T: ValueEnum>(field: &str, value: &impl Display) -> Result<T> {
    let value = value.to_string();
    T::from_str(&value, false).map_err(|_| {
        let names = T::value_variants()
            .iter()
            .filter_map(|variant| variant.to_possible_value());
        let names: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
        anyhow!(
            "`{field}` of `job.toml` is `{value}`: give one of {}",
            names.join(", ")
        )
    })
}
