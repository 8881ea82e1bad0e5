//! Training on one grid in one way.

use tch::Kind;
use tp_runtime::comm::RankContext;
use tp_runtime::optim::AdamW;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::train::{Recompute, TrainOptions, Trainer, Zero};
use tp_runtime::{Error, Result};
use tp_tests::grid::Grid;

use super::data::{Data, SAMPLES, STEPS};
use super::reference::{LEARNING_RATE, MAX_NORM, Reference, SEED, Step, options};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) grid: Grid,
    pub(crate) zero: Zero,
    pub(crate) accumulation: usize,
    pub(crate) recompute: Recompute,
    pub(crate) kind: Kind,
}

impl Run {
    pub(crate) fn train(&self, data: &Data) -> Reference {
        self.grid.launch(|rank| self.on_rank(data, &rank))
    }

    /// The trainer of a rank; buckets are small enough that parameters are cut.
    pub(crate) fn trainer(&self, data: &Data, rank: &RankContext) -> Result<Trainer> {
        let mesh = rank.mesh(&[("dp", self.grid.dp), ("tp", self.grid.tp)])?;
        let model = ParallelModel::from_pretrained(&data.dir)
            .mode(self.grid.mode)
            .kind(self.kind)
            .device(rank.device)
            .load(&mesh)?;
        let train = TrainOptions {
            zero: self.zero,
            recompute: self.recompute,
            max_norm: Some(MAX_NORM),
            bucket: 1000,
            seed: SEED,
        };
        Trainer::new(model, &mesh, train, |parts| {
            AdamW::of_parts(parts, options())
        })
    }

    fn on_rank(&self, data: &Data, rank: &RankContext) -> Result<Reference, Error> {
        let mut trainer = self.trainer(data, rank)?;
        let share = SAMPLES / self.grid.dp;
        let first = rank.rank() / self.grid.tp * share;
        let mut steps = Vec::new();
        for step in 0..STEPS {
            let batches = data.batches(step, first..first + share, self.accumulation);
            let found = trainer.backward(&batches)?;
            let parameters = trainer.model().parameters();
            let gradients = parameters
                .iter()
                .map(|named| Ok((named.name.clone(), trainer.gradient(named)?)));
            steps.push(Step {
                loss: found.loss,
                norm: found.norm,
                gradients: gradients.collect::<Result<_>>()?,
            });
            drop(parameters);
            trainer.update(LEARNING_RATE)?;
        }
        let model = trainer.model();
        let parameters = model.parameters();
        let parameters = parameters
            .iter()
            .map(|named| Ok((named.name.clone(), model.whole(named)?.copy())));
        Ok(Reference {
            steps,
            parameters: parameters.collect::<Result<_>>()?,
        })
    }
}
