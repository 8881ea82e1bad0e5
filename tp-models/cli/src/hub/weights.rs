//! In which files of a model its weights are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// All weights in one file.
pub(super) const WEIGHTS: &str = "model.safetensors";
/// Which of several files holds which weight.
pub(super) const INDEX: &str = "model.safetensors.index.json";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files that an index names.
///
/// # Errors
/// When it cannot be read, or names what is not beside it.
pub(super) fn shards(index: &Path) -> Result<BTreeSet<String>> {
    let read = || -> Result<Index> {
        let file = BufReader::new(File::open(index)?);
        Ok(serde_json::from_reader(file)?)
    };
    let files = read().with_context(|| format!("cannot read `{}`", index.display()))?;
    let shards: BTreeSet<String> = files.weight_map.into_values().collect();
    let elsewhere = shards.iter().find(|shard| shard.contains(['/', '\\']));
    match elsewhere {
        Some(shard) => bail!(
            "`{}` names `{shard}`, which is no file beside it",
            index.display()
        ),
        None => Ok(shards),
    }
}
