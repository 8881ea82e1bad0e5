//! What a rank holds at the fullest moment of a step.

use serde::Serialize;

use super::state::{F32, State};
use super::units::{Unit, UnitKind};
use super::{Setup, TrainingSetup};
use crate::data_parallel::Zero;
use crate::explain::Dtype;
use crate::explain::loss::LossMemory;
use crate::explain::saved_tensors::SavedTensors;

/// Bytes of one rank, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TrainingMemory {
    /// The parameters that are there from step to step, in the model's type.
    pub parameters: u64,
    /// What the optimizer updates in f32, where parameters are in another type.
    pub master: u64,
    /// AdamW's two moments.
    pub moments: u64,
    /// The gradients that are there from step to step, in f32.
    pub gradients: u64,
    /// What is kept of a micro-batch for its backward.
    pub activations: u64,
    /// Logits, and gradients of activations and of one layer's weight on their way.
    pub working: u64,
    /// Weights and their gradients that are gathered while they are used.
    pub gathered: u64,
    /// What a reduction or a gather at the end of a step needs, after all activations are gone.
    pub bucket: u64,
    /// All that is there at once, at most.
    pub peak: u64,
}

/// One moment of a step.
#[derive(Clone, Copy)]
struct Moment {
    activations: u64,
    working: u64,
    gathered: u64,
}

impl Moment {
    fn total(self) -> u64 {
        self.activations + self.working + self.gathered
    }
}

pub(super) fn memory(
    units: &[Unit],
    saved: &SavedTensors,
    loss: LossMemory,
    setup: Setup,
    training: TrainingSetup,
) -> TrainingMemory {
    let state = State::of(units, setup, training);
    let (rest, layer) = gathered(units, setup, training);
    let kept = match training.options.recomputes() {
        true => saved.layer_inputs() + saved.outside_layers(),
        false => saved.total(),
    };
    let in_loss = Moment {
        activations: kept + loss.saved,
        working: loss.logits + loss.working,
        gathered: rest,
    };
    let [outside_layers, in_layers] = saved.largest_gradients();
    let in_backward = match training.options.recomputes() {
        true => Moment {
            activations: saved.layer_inputs() + saved.largest_layer(),
            // With the layer's output and its gradient.
            working: 2 * saved.largest_layer_input() + in_layers,
            gathered: rest + layer,
        },
        false => Moment {
            activations: kept,
            working: outside_layers.max(in_layers),
            gathered: rest,
        },
    };
    let fullest = match in_loss.total() > in_backward.total() {
        true => in_loss,
        false => in_backward,
    };
    let bucket = bucket(units, setup, training);
    let State {
        parameters,
        master,
        moments,
        gradients,
    } = state;
    TrainingMemory {
        parameters,
        master,
        moments,
        gradients,
        activations: fullest.activations,
        working: fullest.working,
        gathered: fullest.gathered,
        bucket,
        peak: state.total() + fullest.total().max(bucket),
    }
}

/// Weights and gradients that are gathered for as long as micro-batches are computed, and those of the
/// largest layer.
fn gathered(units: &[Unit], setup: Setup, training: TrainingSetup) -> (u64, u64) {
    if training.options.zero != Zero::Parameters {
        return (0, 0);
    }
    let bytes = |unit: &Unit| {
        let gradient = if unit.is_frozen { 0 } else { F32 };
        unit.length() * (setup.dtype.bytes() + gradient)
    };
    let of = |kind| units.iter().filter(move |unit| unit.is == kind);
    let largest = |is_frozen: bool| {
        let layers = of(UnitKind::Layer).filter(|unit| unit.is_frozen == is_frozen);
        layers.map(bytes).max().unwrap_or(0)
    };
    let rest = of(UnitKind::Rest).map(bytes).sum();
    (rest, largest(false) + largest(true))
}

/// What one collective over a bucket needs beside the buffers.
fn bucket(units: &[Unit], setup: Setup, training: TrainingSetup) -> u64 {
    let ranks = training.data_ranks.get() as u64;
    if ranks == 1 {
        return 0;
    }
    let trained = units.iter().filter(|unit| !unit.is_frozen);
    let largest = trained.flat_map(Unit::buckets).max().unwrap_or(0);
    let own = largest / ranks;
    match training.options.zero {
        Zero::Replicas => largest * F32,
        Zero::Parameters => own * F32,
        Zero::Optimizer => {
            let cast = match setup.dtype {
                Dtype::F32 => 0,
                Dtype::Bf16 => own * setup.dtype.bytes(),
            };
            (own * F32).max(largest * setup.dtype.bytes() + cast)
        }
    }
}
