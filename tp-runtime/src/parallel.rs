//! A model with its plan applied: this rank's part of it, ready to run.

mod adapter;
mod assign;
mod builder;
mod gather;
mod load;
mod replicas;

pub use crate::error::DriftError;
pub use builder::ModelBuilder;
pub(crate) use replicas::Held;

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use crate::Result;
use crate::checkpoint::{self, Companion, Finding, LoadOptions};
use crate::comm::ProcessGroup;
use crate::config;
use crate::dropout::DropoutKey;
use crate::dtensor::{DTensor, TensorError};
use crate::lora::{Adapter, LoraConfig};
use crate::mesh::DeviceMesh;
use crate::model::{self, InputError, Inputs, Model, Task};
use crate::module::ShardedParam;
use crate::nn::KvCache;
use crate::plan::{Mode, Plan, Resolution, plan_for_architecture, resolve};

/// How a model is to be run.
#[derive(Clone, Copy, Debug)]
pub struct ParallelOptions {
    /// The column of the plan.
    pub mode: Mode,
    /// Another plan than the model's default.
    pub plan: Option<&'static Plan>,
    /// The type parameters and activations are held in.
    pub kind: Kind,
    /// The device of this rank.
    pub device: Device,
    /// What a head that the checkpoint lacks starts from.
    pub seed: u64,
}

impl Default for ParallelOptions {
    fn default() -> Self {
        Self {
            mode: Mode::TensorParallel,
            plan: None,
            kind: Kind::Float,
            device: Device::Cpu,
            seed: 0,
        }
    }
}

/// This rank's part of a model.
///
/// Every rank of the mesh makes the same calls in the same order, with the same inputs.
pub struct ParallelModel {
    model: Box<dyn Model>,
    config: Value,
    adapter: Option<LoraConfig>,
    /// Files of the checkpoint beside weights and config, such as the tokenizer's.
    companions: Vec<Companion>,
    resolution: Resolution,
    /// All ranks of the mesh, replicas included.
    world: ProcessGroup,
    /// The tensor-parallel ranks.
    group: ProcessGroup,
    options: ParallelOptions,
    /// The standard deviation of random weights.
    std: f64,
    findings: Vec<Finding>,
}

/// What random weights start from.
#[derive(Deserialize)]
struct Start {
    /// The standard deviation; transformers' default where the config has none.
    initializer_range: Option<f64>,
}

impl ParallelModel {
    /// Builds the model of a config and starts it from random weights, the same for any degree.
    ///
    /// `companions` are to be saved beside the weights.
    ///
    /// # Errors
    /// When plan, config and mesh do not fit.
    pub fn initialize(
        config: &Value,
        companions: Vec<Companion>,
        seed: u64,
        mesh: &DeviceMesh,
        options: ParallelOptions,
    ) -> Result<Self> {
        let mut parallel = Self::build(config, None, mesh, options)?;
        parallel.companions = companions;
        let load = parallel.load_options();
        checkpoint::initialize(&parallel.parameters(), seed, parallel.std, &load)?;
        parallel.require_gradients()?;
        Ok(parallel)
    }

    /// Shapes, then plan, then a style for every layer and its adapter.
    fn build(
        config: &Value,
        adapter: Option<&Adapter>,
        mesh: &DeviceMesh,
        options: ParallelOptions,
    ) -> Result<Self> {
        let (world, group) = (mesh.world().clone(), mesh.group("tp")?.clone());
        let model = model::build(config)?;
        if let Some(adapter) = adapter {
            adapter.attach(&model.layers())?;
        }
        let plan = match options.plan {
            Some(plan) => plan,
            None => plan_for_architecture(model.node().type_name)?,
        };
        let layers = model.layers();
        let resolution = resolve(plan, &layers, options.mode)?;
        assign::assign(&layers, &resolution, &group)?;
        let Start { initializer_range } = config::parse(config)?;
        let (config, companions) = (config.clone(), Vec::new());
        Ok(Self {
            model,
            config,
            adapter: adapter.map(|adapter| adapter.config().clone()),
            companions,
            resolution,
            world,
            group,
            options,
            std: initializer_range.unwrap_or(0.02),
            findings: Vec::new(),
        })
    }

    fn load_options(&self) -> LoadOptions {
        LoadOptions {
            rank: self.group.rank(),
            world_size: self.group.size(),
            kind: self.options.kind,
            device: self.options.device,
            renames: self.model.renames(),
            fresh_head: self.model.fresh_head(),
            seed: self.options.seed,
            std: self.std,
        }
    }

    fn require_gradients(&self) -> Result<()> {
        for named in self.parameters() {
            let is_trained = !named.param.is_frozen();
            let local = named.param.local().f_set_requires_grad(is_trained)?;
            named.param.set_local(local);
        }
        Ok(())
    }

    /// The tensor-parallel ranks.
    pub fn group(&self) -> &ProcessGroup {
        &self.group
    }

    /// What the plan made of each layer.
    pub fn resolution(&self) -> &Resolution {
        &self.resolution
    }

    /// What its checkpoint holds otherwise than the model has it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The config the model was built from.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The device of this rank.
    pub fn device(&self) -> Device {
        self.options.device
    }

    /// How many tokens the model knows.
    pub fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    /// What its outputs are.
    pub fn task(&self) -> Task {
        self.model.task()
    }

    /// Every parameter under its first name; a tied parameter appears once.
    pub fn parameters(&self) -> Vec<ShardedParam<'_>> {
        self.resolution.parameters(&self.model.layers())
    }

    /// Logits for a batch, placed as the head's row says; see [`Model::forward`].
    ///
    /// # Errors
    /// When the model cannot take the inputs, layouts do not meet, or a collective fails.
    pub fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let past = cache.as_ref().map_or(0, |cache| cache.length());
        self.check(inputs, past)?;
        let forward = || self.model.forward(inputs, cache);
        DropoutKey::during(inputs.dropout_key.clone(), forward).map_err(|error| self.attach(error))
    }

    /// Names the model and the rank where libtorch refused something outside any layer.
    fn attach(&self, error: crate::Error) -> crate::Error {
        TensorError::attach(self.model.node().type_name, &self.group, error)
    }

    /// Whether the model can take the inputs after `past` positions.
    pub(crate) fn check(&self, inputs: &Inputs, past: i64) -> Result<()> {
        inputs.check(&self.model.accepted(), self.device(), past)?;
        let length = past + inputs.input_ids.size()[1];
        match past > 0 && self.model.outgrows_cache(past, length) {
            true => Err(InputError::CacheOutlived { past, length }.into()),
            false => Ok(()),
        }
    }

    /// Whether a GPU can be told the forward of a token once; see [`Model::can_be_captured`].
    pub fn can_be_captured(&self) -> bool {
        self.model.can_be_captured()
    }

    /// Whether a cache of `cached` positions is of no use in a text of `length`; see [`Model::outgrows_cache`].
    pub fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.outgrows_cache(cached, length)
    }

    /// The inputs where the model computes. Ids are checked before they are copied to a GPU, where nobody reads
    /// them.
    ///
    /// # Errors
    /// When the model cannot take them, or libtorch refuses a copy.
    pub fn upload(&self, inputs: &Inputs) -> Result<Inputs> {
        let from = inputs.input_ids.device();
        if from == self.device() {
            return Ok(inputs.shallow_clone());
        }
        inputs.check(&self.model.accepted(), from, 0)?;
        Ok(inputs.to_device(self.device())?)
    }

    /// The loss that training lowers, the same on every rank; the mean of what
    /// [`Model::loss_sum`] sums.
    ///
    /// # Shapes
    /// labels `[batch, sequence]`, not shifted; `[batch]` for a classifier → a scalar
    ///
    /// # Errors
    /// As [`Self::forward`], or when the labels do not belong to the logits.
    pub fn loss(&self, inputs: &Inputs, labels: &Tensor) -> Result<Tensor> {
        let logits = self.forward(inputs, None)?;
        self.loss_of(&logits, labels)
    }

    /// The loss of logits that [`Self::forward`] gave.
    ///
    /// # Errors
    /// When the labels do not belong to the logits, or a collective fails.
    pub fn loss_of(&self, logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
        let sum = self.loss_sum(logits, labels)?;
        Ok(sum.f_div(&self.label_count(labels)?)?)
    }

    /// The loss of logits that [`Self::forward`] gave, summed over what [`Self::label_count`] counts.
    ///
    /// # Errors
    /// As [`Self::loss_of`].
    pub fn loss_sum(&self, logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
        (self.model.loss_sum(logits, labels)).map_err(|error| self.attach(error))
    }

    /// How many labels count, a scalar in f32: a mean over several batches is that of their sums.
    ///
    /// # Errors
    /// When the labels are of another shape than the model's.
    pub fn label_count(&self, labels: &Tensor) -> Result<Tensor> {
        (self.model.label_count(labels)).map_err(|error| self.attach(error))
    }

    /// A parameter, whole, on every rank; one that a rank holds whole shares its memory.
    ///
    /// # Errors
    /// When gathering it fails.
    pub fn whole(&self, named: &ShardedParam<'_>) -> Result<Tensor> {
        named
            .param
            .inspect(|local| self.gather(named, &local.f_detach()?))
    }

    /// A parameter's gradient, whole, on every rank; zeros where the loss does not depend on it.
    ///
    /// # Errors
    /// When gathering it fails.
    pub fn gradient(&self, named: &ShardedParam<'_>) -> Result<Tensor> {
        let local = named.param.gathered()?;
        let gradient = local.f_grad()?;
        let gradient = match gradient.defined() {
            true => gradient,
            false => local.f_detach()?.f_zeros_like()?,
        };
        self.gather(named, &gradient)
    }

    pub(crate) fn gather(&self, named: &ShardedParam<'_>, local: &Tensor) -> Result<Tensor> {
        match named.sharding.split() {
            Some((dim, partition)) => {
                gather::whole(partition, dim as i64, local, &self.group, &named.name)
            }
            None => Ok(local.shallow_clone()),
        }
    }

    /// Writes the model back in the Hugging Face layout, once for all replicas; see [`checkpoint::save`].
    /// Of one with an adapter that is all that is written, in PEFT's layout.
    ///
    /// # Errors
    /// On every rank of the mesh when any rank fails.
    pub fn save(&self, dir: &Path) -> Result<()> {
        self.save_among(&self.world, dir)
    }

    /// [`Self::save`], where the ranks of the mesh agree over `world`, which may wait longer than the model's.
    pub(crate) fn save_among(&self, world: &ProcessGroup, dir: &Path) -> Result<()> {
        if let Some(adapter) = &self.adapter {
            return self.save_adapter(adapter, world, dir);
        }
        checkpoint::save(
            dir,
            &self.parameters(),
            world,
            |named| self.whole(named),
            &self.config,
            &self.companions,
        )
    }
}
