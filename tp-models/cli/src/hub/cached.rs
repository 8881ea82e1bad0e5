//! What the cache holds of a model, in the layout of huggingface_hub.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use hf_hub::Cache;

use super::Files;
use super::name::ModelName;
use super::weights::{INDEX, WEIGHTS, shards};

/// The snapshot of a model.
///
/// # Errors
/// When there is none, or it lacks a file that is needed.
pub(super) fn snapshot(cache: &Cache, name: &ModelName, files: Files) -> Result<PathBuf> {
    let repository = cache.repo(name.repo());
    // A commit needs no reference to be found.
    let named = || Some(repository.pointer_path(&name.revision).join("config.json"));
    let config = repository.get("config.json").or_else(named);
    let config = config.filter(|config| config.exists());
    let Some(dir) = config.as_deref().and_then(Path::parent) else {
        bail!(
            "the cache `{}` has no `{name}`: fill it where the hub is reached, or give the model's folder",
            cache.path().display()
        );
    };
    if files == Files::Checkpoint
        && let Some(file) = lacking(dir)?
    {
        bail!("the snapshot `{}` lacks `{file}`", dir.display());
    }
    Ok(dir.to_owned())
}

/// The first file of weights that a snapshot lacks.
fn lacking(dir: &Path) -> Result<Option<String>> {
    if dir.join(WEIGHTS).exists() {
        return Ok(None);
    }
    let index = dir.join(INDEX);
    if !index.exists() {
        return Ok(Some(WEIGHTS.to_owned()));
    }
    Ok(shards(&index)?
        .into_iter()
        .find(|shard| !dir.join(shard).exists()))
}
