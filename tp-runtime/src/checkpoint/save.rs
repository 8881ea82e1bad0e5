//! From a model back to a folder in the Hugging Face layout.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tch::Tensor;

use super::dtype::dtype_of;
use super::error::CheckpointError;
use super::folder::{CONFIG, WEIGHTS};
use super::staging::Staging;
use super::writer::{Entry, Writer};
use crate::module::NamedParam;

/// Writes `config.json`, `model.safetensors` and copies of `companions` into `dir`.
///
/// Every rank calls it: `gather` gives a whole parameter and is called for each in turn on each
/// rank, while rank 0 alone writes. Other ranks return when the last parameter is gathered, before
/// the files are complete. The config's dtype becomes that of the parameters.
///
/// Until all is on the disk, the folder remains the checkpoint it was: a crash costs the new
/// checkpoint, never the old. Files of the folder that are no part of a checkpoint stay.
///
/// # Errors
/// If a file cannot be written or copied, or `gather` fails or gives another shape or dtype.
pub fn save(
    dir: &Path,
    params: &[NamedParam<'_>],
    rank: usize,
    mut gather: impl FnMut(&NamedParam<'_>) -> crate::Result<Tensor>,
    config: &Value,
    companions: &[PathBuf],
) -> crate::Result<()> {
    if rank != 0 {
        for named in params {
            drop(gather(named)?);
        }
        return Ok(());
    }
    let staging = Staging::begin(dir)?;
    let entries = entries(params);
    write_config(&staging.path(CONFIG), config, &entries)?;
    for companion in companions {
        copy(companion, &staging)?;
    }
    let mut writer = Writer::create(&staging.path(WEIGHTS), &entries)?;
    for (named, entry) in params.iter().zip(&entries) {
        writer.write(entry, &gather(named)?)?;
    }
    writer.finish()?;
    Ok(staging.commit()?)
}

/// What the header will say, in the order of the parameters.
fn entries(params: &[NamedParam<'_>]) -> Vec<Entry> {
    let entry = |NamedParam { name, param, .. }: &NamedParam<'_>| Entry {
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
    fs::write(path, text)
        .and_then(|()| sync(path))
        .map_err(CheckpointError::io("write", path))
}

fn copy(companion: &Path, staging: &Staging) -> Result<(), CheckpointError> {
    let name = companion.file_name().unwrap_or_default().to_string_lossy();
    let path = staging.path(&name);
    fs::copy(companion, &path)
        .and_then(|_| sync(&path))
        .map_err(CheckpointError::io("copy", companion))
}

fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}
