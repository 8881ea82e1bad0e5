//! A trainer's state as a job saves it and goes on from it.

use serde::Serialize;

use super::trainer::Trainer;
use crate::Result;
use crate::comm::ProcessGroup;
use crate::data_parallel::Zero;
use crate::job::{JobFolder, Piece, PieceState, SavedStep};

/// The f32 weights, where the model computes with others.
const MASTER: &str = "master";

impl Trainer {
    /// Saves the model and the optimizer's state as the step that was made last, with what `job` says.
    /// Every rank makes the call.
    ///
    /// # Errors
    /// As [`JobFolder::save`].
    pub fn save(&self, folder: &JobFolder, job: &impl Serialize) -> Result<()> {
        // Replicas keep the same: one of them writes it.
        let is_copy = self.options.zero == Zero::Replicas && self.data.rank() > 0;
        let state = match is_copy {
            true => Vec::new(),
            false => self.state()?,
        };
        tch::no_grad(|| folder.save(&self.model, self.steps, job, &state))
    }

    /// Goes on after a saved step, whose model this trainer was made with, whatever mesh and options it was
    /// saved under. Every rank of `world` makes the call.
    ///
    /// # Errors
    /// On every rank, as [`SavedStep::restore`].
    pub fn restore(&mut self, saved: &SavedStep, world: &ProcessGroup) -> Result<()> {
        let state = self.state()?;
        let parameters = self.model.parameters();
        let restored = tch::no_grad(|| saved.restore(&parameters, self.model.group(), &state));
        world.agree(restored, "resuming")?;
        drop(parameters);
        self.steps = saved.step();
        self.optimizer.set_steps_taken(self.steps)?;
        tch::no_grad(|| self.units.iter().try_for_each(|unit| unit.publish()))
    }

    /// What this rank keeps of each run of elements that it updates.
    fn state(&self) -> Result<Vec<PieceState>> {
        let parameters = self.model.parameters();
        let kept = self.optimizer.state();
        let mut pieces = Vec::new();
        for unit in &self.units {
            for run in unit.runs() {
                let part = pieces.len();
                let of_optimizer = kept.iter().map(|(name, tensors)| {
                    let tensor = tensors[part].f_reshape([-1])?;
                    Ok(((*name).to_owned(), tensor))
                });
                let mut tensors = of_optimizer.collect::<Result<Vec<_>>>()?;
                if unit.has_master() {
                    tensors.push((MASTER.to_owned(), unit.value(&run)?));
                }
                let param = &unit.params()[run.parameter];
                let parameter = parameters
                    .iter()
                    .position(|named| named.param.is_tied_to(param));
                let Some(parameter) = parameter else {
                    unreachable!() // units are made of the model's parameters
                };
                pieces.push(PieceState {
                    piece: Piece {
                        parameter,
                        elements: run.elements,
                    },
                    tensors,
                });
            }
        }
        Ok(pieces)
    }
}
