//! What a rank holds from one step to the next.

use super::units::Unit;
use super::{Setup, TrainingSetup};
use crate::data_parallel::Zero;
use crate::explain::Dtype;

/// AdamW's means of gradients and of squared gradients.
const MOMENTS: u64 = 2;
/// What a rank updates, and its gradients, are in 32-bit floats.
pub(super) const F32: u64 = Dtype::F32.bytes();

/// Bytes of what a rank holds from step to step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    pub(super) parameters: u64,
    pub(super) master: u64,
    pub(super) moments: u64,
    pub(super) gradients: u64,
}

impl State {
    pub(super) fn of(units: &[Unit], setup: Setup, training: TrainingSetup) -> Self {
        let is_divided = training.options.zero == Zero::Parameters;
        let mut state = Self::default();
        for unit in units {
            if unit.is_frozen {
                let held = if is_divided {
                    unit.own()
                } else {
                    unit.length()
                };
                state.parameters += setup.dtype.bytes() * held;
                continue;
            }
            let own = F32 * unit.own();
            match (is_divided, setup.dtype) {
                // The master is a part of the parameters, or what is gathered to make them.
                (false, Dtype::F32) => state.parameters += F32 * unit.length(),
                (true, Dtype::F32) => state.parameters += own,
                (false, Dtype::Bf16) => {
                    state.parameters += setup.dtype.bytes() * unit.length();
                    state.master += own;
                }
                (true, Dtype::Bf16) => state.master += own,
            }
            state.moments += MOMENTS * F32 * unit.own_of_parameters();
            state.gradients += match is_divided {
                true => own,
                false => F32 * unit.length(),
            };
        }
        state
    }

    pub(super) fn total(self) -> u64 {
        self.parameters + self.master + self.moments + self.gradients
    }
}
