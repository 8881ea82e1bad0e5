//! From a model back to a folder in the Hugging Face layout.

use std::path::Path;

use serde_json::{Map, Value};
use tch::Tensor;

use super::companion::Companion;
use super::disk::put;
use super::dtype::dtype_of;
use super::folder::{ADAPTER_WEIGHTS, CONFIG, WEIGHTS};
use super::staging::Staging;
use super::writer::{Entry, Writer};
use crate::Error;
use crate::comm::ProcessGroup;
use crate::config::remove_quantization;
use crate::error::CheckpointError;
use crate::lora;
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
    gather: impl FnMut(&ShardedParam<'_>) -> crate::Result<Tensor>,
    config: &Value,
    companions: &[Companion],
) -> crate::Result<()> {
    let layout = Layout::Model;
    save_as(layout, dir, params, world, gather, config, companions)
}

/// [`save`] of a whole model or of an adapter.
pub(crate) fn save_as(
    layout: Layout,
    dir: &Path,
    params: &[ShardedParam<'_>],
    world: &ProcessGroup,
    mut gather: impl FnMut(&ShardedParam<'_>) -> crate::Result<Tensor>,
    config: &Value,
    companions: &[Companion],
) -> crate::Result<()> {
    let entries = entries(params, layout);
    let create = || Output::create(layout, dir, config, companions, &entries);
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

/// What the files of a folder are.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// A model's: its weights and its config, which says their dtype.
    Model,
    /// An adapter's, with what stands in front of the names of its parameters.
    Adapter { prefix: &'static str },
}

/// A checkpoint that lacks weights still to come.
struct Output {
    staging: Staging,
    weights: Writer,
}

impl Output {
    fn create(
        layout: Layout,
        dir: &Path,
        config: &Value,
        companions: &[Companion],
        entries: &[Entry],
    ) -> Result<Self, CheckpointError> {
        let staging = Staging::begin(dir)?;
        let (config_name, config, weights) = match layout {
            Layout::Model => (CONFIG, with_dtype(config, entries), WEIGHTS),
            Layout::Adapter { .. } => (lora::CONFIG, config.clone(), ADAPTER_WEIGHTS),
        };
        let path = staging.path(config_name);
        put(&path, format!("{config:#}\n").as_bytes())
            .map_err(CheckpointError::io("write", &path))?;
        for companion in companions {
            companion.copy_to(&staging.path(companion.name()))?;
        }
        let weights = Writer::create(&staging.path(weights), entries, Map::new())?;
        Ok(Self { staging, weights })
    }

    fn commit(self) -> Result<(), CheckpointError> {
        self.weights.finish()?;
        self.staging.commit()
    }
}

/// What the header will say, in the order of the parameters.
fn entries(params: &[ShardedParam<'_>], layout: Layout) -> Vec<Entry> {
    let prefix = match layout {
        Layout::Model => "",
        Layout::Adapter { prefix } => prefix,
    };
    let entry = |ShardedParam { name, param, .. }: &ShardedParam<'_>| Entry {
        name: format!("{prefix}{name}"),
        kind: param.kind(),
        shape: param.shape().to_vec(),
    };
    params.iter().map(entry).collect()
}

/// The config with the dtype of the weights beside it, under the name the config has for it.
fn with_dtype(config: &Value, entries: &[Entry]) -> Value {
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
    config
}
