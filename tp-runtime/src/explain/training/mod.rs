//! What a training step costs one rank: bytes that it holds, and what it sends.
//!
//! Worked out from shapes, by the layout in which a `Trainer` keeps parameters and by the flow that it
//! runs. Images are no part of it: vision towers count with what they hold and nothing else.

mod memory;
mod state;
mod text;
mod traffic;
mod units;

use std::collections::BTreeSet;
use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Serialize, Serializer};

use super::view::View;
use super::{Setup, Traffic, flow, loss};
use crate::Result;
use crate::data_parallel::{Recompute, TrainOptions};
use crate::model::Modules;
use crate::plan::{Plan, resolve};

pub use memory::TrainingMemory;
pub use traffic::{Purpose, RankGroup, StepTraffic};

/// How a model would be trained.
#[derive(Clone, Copy, Debug)]
pub struct TrainingSetup {
    /// How many data-parallel ranks.
    pub data_ranks: NonZeroUsize,
    /// How many micro-batches a rank computes for a step, each as large as [`Setup`] says.
    pub accumulation: NonZeroU64,
    /// What is divided, and what is computed again.
    pub options: TrainOptions,
}

/// What a step costs one rank, the fullest.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingCosts {
    /// What was asked.
    #[serde(flatten, serialize_with = "setup")]
    pub setup: TrainingSetup,
    /// Sequences in a global batch.
    pub global_batch: u64,
    /// What it holds.
    pub memory: TrainingMemory,
    /// What it sends and receives in a step, by group and purpose.
    pub traffic: Vec<StepTraffic>,
}

/// Works out what training `model` under `plan` costs, with micro-batches of `setup`'s batch.
///
/// ```
/// # use std::num::{NonZeroU64, NonZeroUsize};
/// # use tp_runtime::explain::{Setup, TrainingSetup, explain_training};
/// # use tp_runtime::{Plan, model::Modules, train::{Recompute, TrainOptions}};
/// # fn show(plan: &'static Plan, model: &dyn Modules, setup: Setup) -> tp_runtime::Result<()> {
/// let training = TrainingSetup {
///     data_ranks: NonZeroUsize::MIN.saturating_add(3),
///     accumulation: NonZeroU64::MIN,
///     options: TrainOptions { recompute: Recompute::Full, ..TrainOptions::default() },
/// };
/// let costs = explain_training(plan, model, setup, training)?;
/// println!("{costs}\n{} bytes at most", costs.memory.peak);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`explain`](super::explain()).
pub fn explain_training(
    plan: &'static Plan,
    model: &dyn Modules,
    setup: Setup,
    training: TrainingSetup,
) -> Result<TrainingCosts> {
    setup.check_size(&model.parameters())?;
    let layers = model.layers();
    let resolution = resolve(plan, &layers, setup.mode)?;
    let parameters = resolution.parameters(&layers);
    let view = View::of_fullest(setup, &parameters);
    let (mut activations, logits) = flow::forward(model.node(), &layers, &resolution, view)?;
    let loss = loss::memory(&activations, logits);
    let loss_calls = loss::calls(&mut activations, logits, setup)?;

    let options = training.options.over(training.data_ranks.get());
    let training = TrainingSetup {
        options,
        ..training
    };
    let in_flow: BTreeSet<&str> = activations.saved.layers().collect();
    let units = units::units(&parameters, &in_flow, view, training);
    let memory = memory::memory(&units, &activations.saved, loss, setup, training);
    let step = traffic::Step {
        node: model.node(),
        transfers: &activations.transfers,
        loss: &loss_calls,
        units: &units,
    };
    let (batch, ranks) = (setup.batch, training.data_ranks.get() as u64);
    Ok(TrainingCosts {
        setup: training,
        global_batch: batch
            .saturating_mul(ranks)
            .saturating_mul(training.accumulation.get()),
        memory,
        traffic: step.traffic(setup, training),
    })
}

impl TrainingCosts {
    /// What one rank communicates in a step through a group.
    pub fn traffic_of(&self, group: RankGroup) -> Traffic {
        let of_group = self.traffic.iter().filter(|part| part.group == group);
        of_group.map(|part| part.traffic).sum()
    }
}

fn setup<S: Serializer>(setup: &TrainingSetup, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Fields {
        data_ranks: usize,
        accumulation: u64,
        zero: u8,
        recompute: bool,
    }
    Fields {
        data_ranks: setup.data_ranks.get(),
        accumulation: setup.accumulation.get(),
        zero: setup.options.zero.stage(),
        recompute: setup.options.recompute == Recompute::Full,
    }
    .serialize(serializer)
}
