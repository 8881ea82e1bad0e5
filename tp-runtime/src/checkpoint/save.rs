//! From a model back to a folder in the Hugging Face layout.

use std::path::Path;

use serde_json::{Map, Value};
use tch::Tensor;

use super::companion::Companion;
use super::disk::put;
use super::dtype::dtype_of;
use super::folder::{CONFIG, WEIGHTS};
use super::staging::Staging;
use super::writer::{Entry, Writer};
use crate::Error;
use crate::comm::ProcessGroup;
use crate::config::remove_quantization;
use crate::error::CheckpointError;
use crate::module::ShardedParam;

/// Writes `config.json`, `model.safetensors` and copies of `companions` into `dir`.
///
/// Every rank of `world` calls it, and rank 0 writes: `gather` gives a whole parameter and is called
/// for each in turn on each rank. After each the ranks agree on how it went, so that all of them
/// leave at the same parameter, and none returns before the files are complete. The config's dtype
/// becomes that of the parameters, which are not quantized.
///
/// Until all is on the disk, the folder remains the checkpoint it was: a crash costs the new
/// checkpoint, never the old. Files of the folder that are no part of a checkpoint stay.
///
/// # Errors
/// On every rank, if a file cannot be written or copied, another job is saving into `dir`, or
/// `gather` fails or gives another shape or dtype. A `gather` that fails on one rank alone has to
/// make its collectives first.
pub fn save(
    dir: &Path,
    params: &[ShardedParam<'_>],
    world: &ProcessGroup,
    mut gather: impl FnMut(&ShardedParam<'_>) -> crate::Result<Tensor>,
    config: &Value,
    companions: &[Companion],
) -> crate::Result<()> {
    let entries = entries(params);
    let create = || Output::create(dir, config, companions, &entries);
    let created = (world.rank() == 0).then(create).transpose();
    let mut output = world.agree(created.map_err(Error::from), "saving")?;
    for (named, entry) in params.iter().zip(&entries) {
        let written = gather(named).and_then(|whole| match &mut output {
            Some(output) => Ok(output.weights.write(entry, &whole)?),
            None => Ok(()),
        });
        world.agree(written, &format!("saving {}", named.name))?;
    }
    let committed = output.map_or(Ok(()), Output::commit);
    world.agree(committed.map_err(Error::from), "saving")
}

/// A checkpoint that lacks weights still to come.
struct Output {
    staging: Staging,
    weights: Writer,
}

impl Output {
    fn create(
        dir: &Path,
        config: &Value,
        companions: &[Companion],
        entries: &[Entry],
    ) -> Result<Self, CheckpointError> {
        let staging = Staging::begin(dir)?;
        write_config(&staging.path(CONFIG), config, entries)?;
        for companion in companions {
            companion.copy_to(&staging.path(companion.name()))?;
        }
        let weights = Writer::create(&staging.path(WEIGHTS), entries, Map::new())?;
        Ok(Self { staging, weights })
    }

    fn commit(self) -> Result<(), CheckpointError> {
        self.weights.finish()?;
        self.staging.commit()
    }
}

/// What the header will say, in the order of the parameters.
fn entries(params: &[ShardedParam<'_>]) -> Vec<Entry> {
    let entry = |ShardedParam { name, param, .. }: &ShardedParam<'_>| Entry {
        name: name.clone(),
        kind: param.kind(),
        shape: param.shape().to_vec(),
    };
    params.iter().map(entry).collect()
}

/// Writes the config with the dtype of the weights beside it, under the name the config has for it.
fn write_config(path: &Path, config: &Value, entries: &[Entry]) -> Result<(), CheckpointError> {
    let mut config = config.clone();
    remove_quantization(&mut config);
    if let Some((_, dtype)) = entries.first().and_then(|entry| dtype_of(entry.kind)) {
        let field = if config.get("torch_dtype").is_some() {
            "torch_dtype"
        } else {
            "dtype"
        };
        config[field] = Value::from(dtype);
    }
    let text = format!("{config:#}\n");
    put(path, text.as_bytes()).map_err(CheckpointError::io("write", path))
}
