//! Training on one grid in one way, and what `explain` says of it.

use std::num::{NonZeroU64, NonZeroUsize};

use serde_json::Value;
use tch::{Kind, Tensor};
use tp_runtime::Result;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::RankContext;
use tp_runtime::explain::{Dtype, Setup, TrainingCosts, TrainingSetup, explain_training};
use tp_runtime::lora::{self, Adapter};
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::model::{self, Inputs};
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::plan_for_architecture;
use tp_runtime::train::{MicroBatch, TrainOptions, Trainer};
use tp_tests::fixture;
use tp_tests::grid::Grid;

/// A way to train.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) grid: Grid,
    pub(crate) options: TrainOptions,
    pub(crate) accumulation: u64,
    pub(crate) kind: Kind,
    /// Of a micro-batch.
    pub(crate) batch: u64,
    pub(crate) sequence: u64,
    /// The fixture whose adapter is trained, if one is.
    pub(crate) adapted: Option<&'static str>,
}

/// The adapter that PEFT made for a fixture.
fn adapter(name: &str) -> Result<Adapter> {
    Ok(Adapter::open(&fixture("lora").dir.join(name))?)
}

impl Run {
    /// What `explain` says.
    pub(crate) fn costs(&self, config: &Value) -> Result<TrainingCosts> {
        let model = model::build(config)?;
        if let Some(name) = self.adapted {
            lora::attach(&model.layers(), adapter(name)?.config())?;
        }
        let plan = plan_for_architecture(model.node().type_name)?;
        let setup = Setup {
            degree: NonZeroUsize::new(self.grid.tp).expect("a grid has ranks"),
            mode: self.grid.mode,
            batch: self.batch,
            sequence: self.sequence,
            dtype: match self.kind {
                Kind::BFloat16 => Dtype::Bf16,
                _ => Dtype::F32,
            },
        };
        let training = TrainingSetup {
            data_ranks: NonZeroUsize::new(self.grid.dp).expect("a grid has ranks"),
            accumulation: NonZeroU64::new(self.accumulation).expect("a step has a micro-batch"),
            options: self.options,
        };
        explain_training(plan, &*model, setup, training)
    }

    /// Runs `body` on every rank with a trainer of random weights.
    pub(crate) fn on_ranks(
        &self,
        config: &Value,
        body: impl Fn(&DeviceMesh, Trainer) -> Result<()> + Sync,
    ) {
        let on_rank = |rank: RankContext| -> Result<()> {
            let mesh = rank.mesh(&[("dp", self.grid.dp), ("tp", self.grid.tp)])?;
            let model = match self.adapted {
                None => ParallelModel::from_config(config.clone())
                    .mode(self.grid.mode)
                    .kind(self.kind)
                    .load(&mesh)?,
                Some(name) => {
                    let options = ParallelOptions {
                        mode: self.grid.mode,
                        kind: self.kind,
                        ..Default::default()
                    };
                    let checkpoint = Checkpoint::open(&fixture(name).dir)?;
                    let adapter = adapter(name)?;
                    ParallelModel::load_with(&checkpoint, Some(&adapter), &mesh, options)?.0
                }
            };
            let trainer = Trainer::new(model, &mesh, self.options, |parts| {
                AdamW::of_parts(parts, AdamWOptions::default())
            })?;
            body(&mesh, trainer)
        };
        self.grid.launch(on_rank);
    }

    /// The micro-batches of a step, for every rank alike.
    pub(crate) fn batches(&self, vocabulary: i64) -> Vec<MicroBatch> {
        let shape = [self.batch as i64, self.sequence as i64];
        let ids = Tensor::arange(shape[0] * shape[1], (Kind::Int64, tch::Device::Cpu));
        let ids = (ids * 7 + 3).remainder(vocabulary).view(shape);
        let batch = |_| MicroBatch {
            inputs: Inputs::new(ids.shallow_clone()),
            labels: ids.shallow_clone(),
        };
        (0..self.accumulation).map(batch).collect()
    }
}
