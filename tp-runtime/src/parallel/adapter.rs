//! A model's adapter: where its weights come from, and where they go.

use std::path::Path;

use super::ParallelModel;
use crate::checkpoint::{self, Checkpoint, Finding, Layout, LoadOptions};
use crate::comm::ProcessGroup;
use crate::lora::{Adapter, LoraConfig, LoraError, Start};
use crate::model::Task;
use crate::module::{FreshHead, LowRank, Rename, ShardedParam};
use crate::plan::{LOW_RANK_DOWN, LOW_RANK_UP};
use crate::{Error, Result};

/// What PEFT puts in front of the names of modules.
const PREFIX: &str = "base_model.model.";
const WITHOUT_PREFIX: &[Rename] = &[Rename::new(PREFIX, "")];

impl ParallelModel {
    /// The adapter's settings, if the model has one.
    pub fn adapter(&self) -> Option<&LoraConfig> {
        self.adapter.as_ref()
    }

    /// The parameters that training changes: all of them, or the adapter's and what it names.
    pub fn trained(&self) -> Vec<ShardedParam<'_>> {
        let all = self.parameters().into_iter();
        all.filter(|named| !named.param.is_frozen()).collect()
    }

    /// The parameters of the model itself, and those of its adapter.
    pub(super) fn without_adapter(&self) -> (Vec<ShardedParam<'_>>, Vec<ShardedParam<'_>>) {
        let is_adapter = |named: &ShardedParam<'_>| {
            [LOW_RANK_DOWN, LOW_RANK_UP]
                .iter()
                .any(|leaf| named.name.ends_with(leaf))
        };
        let (adapter, own) = self.parameters().into_iter().partition(is_adapter);
        (own, adapter)
    }

    /// Gives the adapter its weights. Every rank makes the call.
    pub(super) fn start_adapter(&self, adapter: &Adapter) -> Result<Vec<Finding>> {
        let options = self.load_options();
        let (_, fresh) = self.without_adapter();
        let started = match &adapter.from {
            Start::Fresh { seed } => {
                checkpoint::initialize(&fresh, *seed, self.std, &options).map(|()| Vec::new())
            }
            Start::Saved(dir) => Checkpoint::open_adapter(dir).and_then(|saved| {
                let options = LoadOptions {
                    renames: WITHOUT_PREFIX,
                    fresh_head: FreshHead::default(),
                    ..options
                };
                checkpoint::load(&saved, &self.trained(), &options).map(|report| report.findings)
            }),
        };
        self.world
            .agree(started.map_err(Error::from), "loading the adapter")
    }

    /// Writes the adapter alone, in PEFT's layout.
    pub(super) fn save_adapter(
        &self,
        adapter: &LoraConfig,
        world: &ProcessGroup,
        dir: &Path,
    ) -> Result<()> {
        let task = match self.task() {
            Task::CausalLanguageModelling => "CAUSAL_LM",
            Task::SequenceClassification => "SEQ_CLS",
        };
        let layout = Layout::Adapter { prefix: PREFIX };
        let (config, whole) = (adapter.file(task), |named: &ShardedParam<'_>| {
            self.whole(named)
        });
        checkpoint::save_as(
            layout,
            dir,
            &self.trained(),
            world,
            whole,
            &config,
            &self.companions,
        )
    }

    /// Writes the model with its adapter merged into its weights, in the Hugging Face layout. Every rank makes the
    /// call.
    ///
    /// # Errors
    /// When there is no adapter; on every rank when any rank fails.
    pub fn save_merged(&self, dir: &Path) -> Result<()> {
        if self.adapter.is_none() {
            return Err(LoraError::None.into());
        }
        let (own, _) = self.without_adapter();
        let merged = |named: &ShardedParam<'_>| match self.low_rank_of(named) {
            Some(adapter) => tch::no_grad(|| {
                let added = adapter.weight()?;
                let sum = named.param.inspect(|local| Ok(local.f_add(&added)?))?;
                self.gather(named, &sum)
            }),
            None => self.whole(named),
        };
        checkpoint::save(
            dir,
            &own,
            &self.world,
            merged,
            &self.config,
            &self.companions,
        )
    }

    /// What is added to a parameter, if anything is.
    fn low_rank_of(&self, named: &ShardedParam<'_>) -> Option<LowRank> {
        self.model.layers().into_iter().find_map(|other| {
            let adapter = other.layer.low_rank()?.get()?;
            let is_its_weight =
                |(leaf, param): &(&str, &_)| *leaf == "weight" && named.param.is_tied_to(param);
            let is_its = other.layer.parameters().iter().any(is_its_weight);
            is_its.then(|| adapter.clone())
        })
    }
}
