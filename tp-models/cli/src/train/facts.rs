//! Whether a saved step is one of this job.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tp_runtime::job::SavedStep;
use tp_runtime::lora::Adapter;

use super::Arguments;
use crate::model::config;

/// The fields of a config that say how weights are stored.
const OF_WEIGHTS: [&str; 5] = [
    "dtype",
    "torch_dtype",
    "quantization_config",
    "compression_config",
    "tie_word_embeddings",
];

/// What decides which numbers a job computes, beside its model and its data.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Facts {
    seed: u64,
    global_batch: u64,
    sequence: u64,
    dtype: String,
    #[serde(default)]
    pack: bool,
    #[serde(default)]
    is_adapter: bool,
}

impl Facts {
    pub(super) fn of(args: &Arguments) -> Self {
        Self {
            seed: args.seed,
            global_batch: args.global_batch,
            sequence: args.sequence,
            dtype: args.ranks.dtype().to_owned(),
            pack: args.rows.pack,
            is_adapter: args.lora.is_asked(),
        }
    }

    /// Refuses to go on with other numbers.
    pub(super) fn check(&self, saved: &SavedStep) -> Result<()> {
        let started: Self = saved.job()?;
        ensure!(
            *self == started,
            "the job in `{}` was started with {started}, and is to go on with {self}: \
             give the same, or save to another folder",
            saved.dir().display()
        );
        Ok(())
    }
}

/// Refuses to go on with the weights of another model.
pub(super) fn check_model(start: &Path, saved: &SavedStep) -> Result<()> {
    let (ours, saved_as) = (config(start)?, config(saved.dir())?);
    let (ours, saved_as) = (fields(&ours), fields(&saved_as));
    let mut names = ours.keys().chain(saved_as.keys());
    let Some(name) = names.find(|&name| ours.get(name) != saved_as.get(name)) else {
        return Ok(());
    };
    let value = |config: &Map<String, Value>| {
        let value = config.get(name).map(Value::to_string);
        value.unwrap_or("not there".to_owned())
    };
    bail!(
        "`{}` holds another model than `{}`: `{name}` is {} there, and {} here; \
         give the config that the job was started with, or save to another folder",
        saved.dir().display(),
        start.display(),
        value(&saved_as),
        value(&ours)
    )
}

/// Refuses to go on with another adapter.
pub(super) fn check_adapter(ours: &Adapter, saved: &SavedStep) -> Result<()> {
    let saved_as = Adapter::open(saved.dir())?;
    let (ours, started) = (ours.config(), saved_as.config());
    ensure!(
        // Saving adds the further names of tied parameters, and forgets how a path to the model was written.
        (
            ours.rank,
            ours.alpha,
            ours.dropout,
            &ours.targets,
            ours.rank_stabilized
        ) == (
            started.rank,
            started.alpha,
            started.dropout,
            &started.targets,
            started.rank_stabilized
        ) && ours.whole.iter().all(|name| started.whole.contains(name)),
        "the job in `{}` was started with another adapter, of rank {}, alpha {} and dropout {} for `{}`: \
         give the same, or save to another folder",
        saved.dir().display(),
        started.rank,
        started.alpha,
        started.dropout.probability(),
        started.targets
    );
    Ok(())
}

/// The fields of a config, less those that a save writes as its weights are, whatever those were that the job
/// started from.
fn fields(config: &Value) -> Map<String, Value> {
    let mut fields = config.as_object().cloned().unwrap_or_default();
    fields.retain(|name, _| !OF_WEIGHTS.contains(&name.as_str()));
    if let Some(text) = fields.get_mut("text_config") {
        *text = Value::Object(self::fields(text));
    }
    fields
}

impl std::fmt::Display for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "--seed {} --global-batch {} --sequence {} --dtype {}",
            self.seed, self.global_batch, self.sequence, self.dtype
        )?;
        match (self.pack, self.is_adapter) {
            (true, true) => f.write_str(" --pack, and an adapter"),
            (true, false) => f.write_str(" --pack"),
            (false, true) => f.write_str(", and an adapter"),
            (false, false) => Ok(()),
        }
    }
}
