//! A step that a job can go on from.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::description::{Description, unfit};
use super::names::DESCRIPTION;
use super::state_reader::StateReader;
use super::{JobError, PieceState};
use crate::Result;
use crate::comm::ProcessGroup;
use crate::module::ShardedParam;

/// A step that a job has saved, opened; its folder holds the model in the Hugging Face layout.
#[derive(Debug)]
pub struct SavedStep {
    dir: PathBuf,
    description: Description,
}

impl SavedStep {
    /// Opens a step by its folder, such as `job/step-100` or `job/latest`.
    ///
    /// # Errors
    /// When no job saved it, or one of another format.
    pub fn open(dir: &Path) -> Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            description: Description::read(dir)?,
        })
    }

    /// Its folder, which [`Checkpoint::open`](crate::checkpoint::Checkpoint::open) reads.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many steps had been made.
    pub fn step(&self) -> u64 {
        self.description.step
    }

    /// What the job itself wrote down.
    ///
    /// # Errors
    /// When it is something else than a `T`.
    pub fn job<T: DeserializeOwned>(&self) -> Result<T> {
        let job = serde_path_to_error::deserialize(&self.description.job);
        Ok(job.map_err(|error| unfit(&self.dir.join(DESCRIPTION), &error))?)
    }

    /// Writes the saved state over the tensors of the pieces that this rank keeps, on whatever mesh it was
    /// saved: the same bits, wherever they lay.
    ///
    /// `params` are those of the model, and `group` its tensor-parallel ranks. No rank waits for another:
    /// [`ProcessGroup::agree`] tells whether all succeeded.
    ///
    /// # Errors
    /// When a file is missing or damaged, another model's, or does not hold all of the state.
    pub fn restore(
        &self,
        params: &[ShardedParam<'_>],
        group: &ProcessGroup,
        state: &[PieceState],
    ) -> Result<()> {
        let restore = || -> Result<(), JobError> {
            let reader = StateReader::open(&self.dir, self.description.ranks, params)?;
            state
                .iter()
                .try_for_each(|piece| reader.restore(params, group, piece))
        };
        Ok(restore()?)
    }
}
