//! The folder of a job, from opening it to the last step.

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tch::Tensor;

use super::claim::{claim, probe};
use super::description::{Description, unfit};
use super::names::{self, DESCRIPTION, PROBE};
use super::prune::prune;
use super::publish::{self, Staging};
use super::state_writer;
use super::{JobError, PieceState, SavedStep};
use crate::checkpoint::CheckpointError;
use crate::comm::ProcessGroup;
use crate::parallel::ParallelModel;
use crate::{Error, Result};

/// The folder of a job, which no other job can open while this one has it.
///
/// Every rank of the job makes the same calls in the same order; whether they succeed is the same on all.
pub struct JobFolder {
    dir: PathBuf,
    world: ProcessGroup,
    /// The folder, open and locked, on the first rank.
    lock: Option<File>,
}

impl JobFolder {
    /// Creates the folder if need be, locks it, clears it of what a killed job left, and lets every rank of
    /// `world` write something there.
    ///
    /// The ranks wait in `world` for the one that writes: see [`ProcessGroup::with_timeout`].
    ///
    /// # Errors
    /// On every rank, when any rank cannot write there, or another job has the folder.
    pub fn open(dir: &Path, world: &ProcessGroup) -> Result<Self> {
        let site = "opening the job's folder";
        let claimed = (world.rank() == 0).then(|| claim(dir)).transpose();
        let lock = world.agree(claimed.map_err(Error::from), site)?;
        let probed = world.agree(probe(dir, world.rank()).map_err(Error::from), site);
        let removed = match &lock {
            Some(_) => fs::remove_dir_all(dir.join(PROBE)),
            None => Ok(()),
        };
        probed?;
        let removed = removed.map_err(CheckpointError::io("remove", &dir.join(PROBE)));
        world.agree(removed.map_err(Error::from), site)?;
        Ok(Self {
            dir: dir.to_owned(),
            world: world.clone(),
            lock,
        })
    }

    /// The step that `latest` names; `None` in a folder without it.
    ///
    /// # Errors
    /// On every rank, when `latest` leads nowhere or a rank cannot read the step.
    pub fn latest(&self) -> Result<Option<SavedStep>> {
        let site = "looking for the latest step";
        let found = self.on_first(|| publish::latest(&self.dir), site)?;
        // All ranks open what the first has found.
        let number = found.flatten().map_or(-1, |step| step as i64);
        let number = (self.world).broadcast(Tensor::from_slice(&[number]), 0, site)?;
        let Ok(number) = u64::try_from(number.f_int64_value(&[0])?) else {
            return Ok(None);
        };
        let opened = SavedStep::open(&self.dir.join(names::step(number)));
        self.world.agree(opened, site).map(Some)
    }

    /// Saves a step and makes it the latest: the model, what `job` says, and this rank's part of the
    /// optimizer's state.
    ///
    /// The pieces of all ranks cover every element that has state. Where data-parallel ranks keep the
    /// same, one of them has to give it. What tensor-parallel ranks share, each gives.
    ///
    /// # Errors
    /// On every rank, when any rank cannot write its files, or `latest` names that very step; the folder's
    /// steps and `latest` are then as they were.
    pub fn save(
        &self,
        model: &ParallelModel,
        step: u64,
        job: &impl Serialize,
        state: &[PieceState],
    ) -> Result<()> {
        let site = format!("saving step {step}");
        let staging = self.on_first(|| Staging::begin(&self.dir, step), &site)?;
        let saving = names::saving(&self.dir, step);
        self.on_first(|| describe(&saving, step, self.world.size(), job), &site)?;
        let file = saving.join(names::optimizer(self.world.rank(), self.world.size()));
        let written = state_writer::write(&file, &model.parameters(), model.group(), state);
        (self.world).agree(written.map_err(Error::from), &site)?;
        model.save_among(&self.world, &saving)?;
        let published = staging.map_or(Ok(()), Staging::publish);
        self.world.agree(published.map_err(Error::from), &site)
    }

    /// Removes all but the `keep` newest steps up to the latest, and nothing that no job saved.
    ///
    /// # Errors
    /// On every rank, when a step cannot be removed.
    pub fn prune(&self, keep: NonZeroUsize) -> Result<()> {
        let site = "removing old steps";
        self.on_first(|| prune(&self.dir, keep), site).map(drop)
    }

    /// Runs on the first rank what all have to know the outcome of.
    fn on_first<T>(
        &self,
        run: impl FnOnce() -> Result<T, JobError>,
        site: &str,
    ) -> Result<Option<T>> {
        let outcome = (self.world.rank() == 0).then(run).transpose();
        self.world.agree(outcome.map_err(Error::from), site)
    }
}

impl Drop for JobFolder {
    fn drop(&mut self) {
        if let Some(folder) = &self.lock {
            // Not left to the handle: a process that is being started has a copy of it for a moment.
            let _ = folder.unlock();
        }
    }
}

/// Writes `job.json`.
fn describe(dir: &Path, step: u64, ranks: usize, job: &impl Serialize) -> Result<(), JobError> {
    let job = serde_json::to_value(job).map_err(|error| unfit(&dir.join(DESCRIPTION), &error))?;
    Description::new(step, ranks, job).write(dir)
}
