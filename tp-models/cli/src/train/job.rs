//! The checkpoints of a job: where it starts, and what it saves.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::ProcessGroup;
use tp_runtime::job::{JobFolder, SavedStep};
use tp_runtime::lora::Adapter;
use tp_runtime::optim::AdamW;
use tp_runtime::train::Trainer;

use super::Arguments;
use super::facts::{Facts, check_adapter, check_model};
use crate::ranks::Rank;

/// The job as a file, beside its checkpoints.
const JOB: &str = "job.toml";

/// A job's folder, if it saves at all.
pub(super) struct Job<'a> {
    args: &'a Arguments,
    folder: Option<JobFolder>,
    /// The step that it goes on from.
    saved: Option<SavedStep>,
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
            match args.adapter()? {
                Some(adapter) => check_adapter(&adapter, saved)?,
                None => check_model(args.start(), saved)?,
            }
        }
        if world.rank() == 0 {
            let path = dir.join(JOB);
            fs::write(&path, &args.job)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(Self {
            args,
            folder: Some(folder),
            saved,
        })
    }

    /// The trainer as the saved step left it, or at the start.
    pub(super) fn trainer(&self, rank: &Rank) -> Result<Trainer> {
        let train = |model| {
            Trainer::new(model, &rank.mesh, self.args.options(), |parts| {
                AdamW::of_parts(parts, self.args.adamw())
            })
        };
        let Some(saved) = &self.saved else {
            return Ok(train(self.args.build(rank)?)?);
        };
        let restore = || {
            let model = match (&self.args.model, self.args.lora.is_asked()) {
                (Some(base), true) => {
                    let adapter = Adapter::open(saved.dir())?;
                    rank.load_with(&Checkpoint::open(base)?, Some(&adapter))?
                }
                _ => rank.load(&Checkpoint::open(saved.dir())?)?,
            };
            let mut trainer = train(model)?;
            trainer.restore(saved, rank.mesh.world())?;
            Ok(trainer)
        };
        let restored: tp_runtime::Result<Trainer> = restore();
        restored.with_context(|| {
            let step = saved.step();
            format!("cannot go on from step {step}, which `latest` names")
        })
    }

    /// Saves the step that was made last, and removes what is not to be kept.
    pub(super) fn save(&self, trainer: &Trainer) -> Result<()> {
        if let Some(folder) = &self.folder {
            let saved = trainer.save(folder, &Facts::of(self.args));
            saved.with_context(|| {
                let step = trainer.steps();
                format!("step {step} is not saved, and `latest` is as it was")
            })?;
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
