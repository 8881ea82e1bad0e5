//! The checkpoints of a job: where it starts, what it saves, and whether it is the same job.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::ProcessGroup;
use tp_runtime::job::{JobFolder, SavedStep};
use tp_runtime::optim::AdamW;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::train::Trainer;

use super::Arguments;
use crate::ranks::Rank;

/// A job's folder, if it saves at all.
pub(super) struct Job<'a> {
    args: &'a Arguments,
    folder: Option<JobFolder>,
    /// The step that it goes on from.
    saved: Option<SavedStep>,
}

/// What decides which numbers a job computes, beside its model and its data.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Facts {
    seed: u64,
    global_batch: u64,
    sequence: u64,
    dtype: String,
}

impl<'a> Job<'a> {
    /// Takes the folder and looks for what to go on from, before anything is computed.
    pub(super) fn open(args: &'a Arguments, world: &ProcessGroup) -> Result<Self> {
        let Some(dir) = &args.save else {
            return Ok(Self {
                args,
                folder: None,
                saved: None,
            });
        };
        // A rank that writes keeps the others waiting for as long as it takes.
        let patient = world.with_timeout(Duration::MAX)?;
        let folder = JobFolder::open(dir, &patient)?;
        let saved = folder.latest()?;
        if let Some(saved) = &saved {
            ensure!(
                args.resume,
                "`{}` holds a job that has made {} steps: go on with --resume, or save to another folder",
                dir.display(),
                saved.step()
            );
            Facts::of(args).check(saved)?;
        }
        Ok(Self {
            args,
            folder: Some(folder),
            saved,
        })
    }

    /// The trainer as the saved step left it, or at the start.
    pub(super) fn trainer(&self, rank: &Rank) -> Result<Trainer> {
        let args = self.args;
        let model = match &self.saved {
            Some(saved) => {
                let checkpoint = Checkpoint::open(saved.dir())?;
                ParallelModel::load(&checkpoint, &rank.mesh, rank.options)?.0
            }
            None => args.build(rank)?,
        };
        let mut trainer = Trainer::new(model, &rank.mesh, args.options(), |parts| {
            AdamW::of_parts(parts, args.adamw())
        })?;
        if let Some(saved) = &self.saved {
            trainer.restore(saved, rank.mesh.world())?;
        }
        Ok(trainer)
    }

    /// Saves the step that was made last, and removes what is not to be kept.
    pub(super) fn save(&self, trainer: &Trainer) -> Result<()> {
        if let Some(folder) = &self.folder {
            trainer.save(folder, &Facts::of(self.args))?;
            if let Some(keep) = self.args.keep {
                folder.prune(keep)?;
            }
        }
        Ok(())
    }

    /// Whether this job goes on from a step.
    pub(super) fn is_resumed(&self) -> bool {
        self.saved.is_some()
    }
}

impl Facts {
    fn of(args: &Arguments) -> Self {
        Self {
            seed: args.seed,
            global_batch: args.global_batch,
            sequence: args.sequence,
            dtype: args.ranks.dtype().to_owned(),
        }
    }

    /// Refuses to go on with other numbers.
    fn check(&self, saved: &SavedStep) -> Result<()> {
        let started: Self = saved.job()?;
        ensure!(
            *self == started,
            "the job in `{}` was started with {started}, and is to go on with {self}: \
             give the same, or save to another folder",
            saved.dir().display()
        );
        Ok(())
    }
}

impl std::fmt::Display for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "--seed {} --global-batch {} --sequence {} --dtype {}",
            self.seed, self.global_batch, self.sequence, self.dtype
        )
    }
}
