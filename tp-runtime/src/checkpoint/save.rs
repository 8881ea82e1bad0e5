//! From a model back to a folder in the Hugging Face layout.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tch::Tensor;

use super::dtype::dtype_of;
use super::error::CheckpointError;
use super::folder::{self, CONFIG, WEIGHTS};
use super::staging::Staging;
use super::writer::{Entry, Writer};
use crate::module::ShardedParam;

/// Writes `config.json`, `model.safetensors` and copies of `companions` into `dir`.
///
/// Every rank calls it: `gather` gives a whole parameter and is called for each in turn on each
/// rank, also when rank 0, which alone writes, cannot: so no rank waits for another. Other ranks
/// return when the last parameter is gathered, before the files are complete. The config's dtype
/// becomes that of the parameters.
///
/// Until all is on the disk, the folder remains the checkpoint it was: a crash costs the new
/// checkpoint, never the old. Files of the folder that are no part of a checkpoint stay.
///
/// # Errors
/// If a file cannot be written or copied, or `gather` fails or gives another shape or dtype.
pub fn save(
    dir: &Path,
    params: &[ShardedParam<'_>],
    rank: usize,
    mut gather: impl FnMut(&ShardedParam<'_>) -> crate::Result<Tensor>,
    config: &Value,
    companions: &[PathBuf],
) -> crate::Result<()> {
    let entries = entries(params);
    let create = || Output::create(dir, config, companions, &entries);
    let mut output = (rank == 0).then(create).transpose();
    for (named, entry) in params.iter().zip(&entries) {
        let whole = gather(named)?;
        if let Ok(Some(Output { weights, .. })) = &mut output
            && let Err(error) = weights.write(entry, &whole)
        {
            output = Err(error);
        }
    }
    match output? {
        Some(output) => Ok(output.commit()?),
        None => Ok(()),
    }
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
        companions: &[PathBuf],
        entries: &[Entry],
    ) -> Result<Self, CheckpointError> {
        let staging = Staging::begin(dir)?;
        write_config(&staging.path(CONFIG), config, entries)?;
        for companion in companions {
            copy(companion, &staging)?;
        }
        let weights = Writer::create(&staging.path(WEIGHTS), entries)?;
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
        kind: param.local().kind(),
        shape: param.shape().to_vec(),
    };
    params.iter().map(entry).collect()
}

/// Writes the config with the dtype of the weights beside it, under the name the config has for it.
fn write_config(path: &Path, config: &Value, entries: &[Entry]) -> Result<(), CheckpointError> {
    let mut config = config.clone();
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

/// Copies a file, wherever an interrupted save has left it.
fn copy(companion: &Path, staging: &Staging) -> Result<(), CheckpointError> {
    let error = CheckpointError::io("copy", companion);
    let (Some(dir), Some(name)) = (companion.parent(), companion.file_name()) else {
        return Err(error(io::ErrorKind::InvalidFilename.into()));
    };
    let name = name.to_string_lossy();
    let Some((_, source)) = folder::open(dir, &name)? else {
        return Err(error(io::ErrorKind::NotFound.into()));
    };
    put(&staging.path(&name), source).map_err(error)
}

/// Writes a file down to the disk.
fn put(path: &Path, mut content: impl Read) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::copy(&mut content, &mut file)?;
    file.sync_all()
}
