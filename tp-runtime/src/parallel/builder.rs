//! The way to a model: where its weights come from, and how it is to be run, setting by setting.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tch::{Device, Kind};

use super::{ParallelModel, ParallelOptions};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::lora::{Adapter, LoraError};
use crate::mesh::DeviceMesh;
use crate::plan::{Mode, Plan};

/// A model that is about to be loaded; see [`ParallelModel::from_pretrained`] and
/// [`ParallelModel::from_config`].
#[derive(Clone, Debug)]
#[must_use = "nothing is loaded before `load`"]
pub struct ModelBuilder {
    source: Source,
    adapter: Option<Adapter>,
    options: ParallelOptions,
}

/// Where weights come from.
#[derive(Clone, Debug)]
enum Source {
    /// A folder in the Hugging Face layout.
    Checkpoint(PathBuf),
    /// Random numbers.
    Random { config: Value, seed: u64 },
}

impl ParallelModel {
    /// The model of a checkpoint, a folder in the Hugging Face layout.
    ///
    /// ```no_run
    /// use tp_runtime::prelude::*;
    ///
    /// launch(&Launch::new(2), |rank| -> Result<()> {
    ///     let mesh = rank.mesh(&[("tp", rank.world_size())])?;
    ///     let model = ParallelModel::from_pretrained("path/to/llama")
    ///         .sequence_parallel()
    ///         .load(&mesh)?;
    ///     println!("{} parameters", model.parameters().len());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_pretrained(dir: impl AsRef<Path>) -> ModelBuilder {
        ModelBuilder::new(Source::Checkpoint(dir.as_ref().to_owned()))
    }

    /// The model of a config, started from random weights that are the same for any number of ranks.
    pub fn from_config(config: Value) -> ModelBuilder {
        ModelBuilder::new(Source::Random { config, seed: 0 })
    }
}

impl ModelBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            adapter: None,
            options: ParallelOptions::default(),
        }
    }

    /// An adapter of low rank; everything else is frozen. Of a checkpoint: random weights are no model to adapt.
    pub fn adapter(mut self, adapter: Adapter) -> Self {
        self.adapter = Some(adapter);
        self
    }

    /// Another plan than the model's default.
    pub fn plan(mut self, plan: &'static Plan) -> Self {
        self.options.plan = Some(plan);
        self
    }

    /// The column of the plan; that for tensor parallelism alone unless told otherwise.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.options.mode = mode;
        self
    }

    /// The plan's column for sequence parallelism: activations between blocks are split over the sequence.
    pub fn sequence_parallel(self) -> Self {
        self.mode(Mode::SequenceParallel)
    }

    /// The type that parameters and activations are held in; `Float` unless told otherwise.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.options.kind = kind;
        self
    }

    /// The device of this rank; the CPU unless told otherwise.
    pub fn device(mut self, device: Device) -> Self {
        self.options.device = device;
        self
    }

    /// What random weights start from; of a checkpoint's, those of a head that it lacks.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        if let Source::Random {
            seed: of_weights, ..
        } = &mut self.source
        {
            *of_weights = seed;
        }
        self
    }

    /// Applies the plan and reads, or draws, this rank's part of the weights. Every rank makes the call.
    ///
    /// # Errors
    /// Before any weight is read when the checkpoint cannot be opened or plan, config and mesh do not
    /// fit; on every rank when any rank cannot read its part.
    pub fn load(self, mesh: &DeviceMesh) -> Result<ParallelModel> {
        match self.source {
            Source::Checkpoint(dir) => {
                let checkpoint = Checkpoint::open(&dir)?;
                let adapter = self.adapter.as_ref();
                let loaded = ParallelModel::load_with(&checkpoint, adapter, mesh, self.options);
                loaded.map(|(model, _)| model)
            }
            Source::Random { .. } if self.adapter.is_some() => Err(LoraError::NoModel.into()),
            Source::Random { config, seed } => {
                ParallelModel::initialize(&config, Vec::new(), seed, mesh, self.options)
            }
        }
    }
}
