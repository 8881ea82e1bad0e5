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
        let started = match &adapter.from {
            Start::Fresh { seed } => {
                let (_, fresh) = self.without_adapter();
                let options = self.load_options();
                let drawn = checkpoint::initialize(&fresh, *seed, self.std, &options);
                drawn.map(|()| Vec::new()).map_err(Error::from)
            }
            Start::Saved(dir) => self.read_adapter(dir),
        };
        self.world.agree(started, "loading the adapter")
    }

    fn read_adapter(&self, dir: &Path) -> Result<Vec<Finding>> {
        let (saved, trained) = (Checkpoint::open_adapter(dir)?, self.trained());
        for named in trained.iter().filter(|named| !named.tied.is_empty()) {
            let mut names = names(named);
            let is_absent = |name: &&str| saved.tensor(&format!("{PREFIX}{name}")).is_none();
            if let Some(absent) = names.find(is_absent) {
                return Err(LoraError::Untied {
                    absent: absent.to_owned(),
                    names: self::names(named).map(str::to_owned).collect(),
                }
                .into());
            }
        }
        let options = LoadOptions {
            renames: WITHOUT_PREFIX,
            fresh_head: FreshHead::default(),
            ..self.load_options()
        };
        Ok(checkpoint::load(&saved, &trained, &options)?.findings)
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
        let trained = self.trained();
        // PEFT unties what is trained whole: it has to find the values under every name.
        let tied = trained.iter().flat_map(|named| &named.tied);
        let mut adapter = adapter.clone();
        for (module, _) in tied.filter_map(|name| name.rsplit_once('.')) {
            if !adapter.whole.iter().any(|known| known == module) {
                adapter.whole.push(module.to_owned());
            }
        }
        let under_each_name = trained.iter().flat_map(|named| {
            names(named).map(|name| ShardedParam {
                name: name.to_owned(),
                tied: Vec::new(),
                param: named.param,
                sharding: named.sharding.clone(),
            })
        });
        let under_each_name: Vec<ShardedParam<'_>> = under_each_name.collect();
        checkpoint::save_as(
            Layout::Adapter { prefix: PREFIX },
            dir,
            &under_each_name,
            world,
            |named| self.whole(named),
            &adapter.file(task),
            &self.companions,
        )
    }

    /// Writes the model with its adapter merged into its weights, in the Hugging Face layout. Every rank makes the
    /// call.
    ///
    /// # Errors
    /// When there is no adapter, or one of a weight that is tied to another layer's; on every rank when any rank fails.
    pub fn save_merged(&self, dir: &Path) -> Result<()> {
        if self.adapter.is_none() {
            return Err(LoraError::None.into());
        }
        let (own, _) = self.without_adapter();
        let adapted = |named: &&ShardedParam<'_>| self.low_rank_of(named).is_some();
        let mut adapted = own.iter().filter(adapted);
        if let Some(tied) = adapted.find(|named| !named.tied.is_empty()) {
            let names = names(tied).map(str::to_owned).collect();
            return Err(LoraError::TiedTarget { names }.into());
        }
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

/// Every name of a parameter.
fn names<'a>(named: &'a ShardedParam<'_>) -> impl Iterator<Item = &'a str> {
    let further = named.tied.iter().map(String::as_str);
    std::iter::once(named.name.as_str()).chain(further)
}
