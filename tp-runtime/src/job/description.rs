//! `job.json`: what a job goes on with beside weights and optimizer state.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JobError;
use super::names::DESCRIPTION;
use crate::checkpoint::{CheckpointError, put};

/// The format that is written and read.
const VERSION: u64 = 1;

/// What `job.json` says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Description {
    version: u64,
    /// The step after which it was saved.
    pub(super) step: u64,
    /// How many ranks saved it.
    pub(super) ranks: usize,
    /// What the job itself wants to know again.
    pub(super) job: Value,
}

impl Description {
    /// Of a step that so many ranks save.
    pub(super) fn new(step: u64, ranks: usize, job: Value) -> Self {
        Self {
            version: VERSION,
            step,
            ranks,
            job,
        }
    }

    /// Writes it down to the disk.
    pub(super) fn write(&self, dir: &Path) -> Result<(), JobError> {
        let path = dir.join(DESCRIPTION);
        let text = serde_json::to_string_pretty(self).map_err(|error| unfit(&path, &error))?;
        put(&path, (text + "\n").as_bytes()).map_err(CheckpointError::io("write", &path))?;
        Ok(())
    }

    /// Reads that of a step.
    pub(super) fn read(dir: &Path) -> Result<Self, JobError> {
        /// What every format says.
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let path = dir.join(DESCRIPTION);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JobError::NoStep {
                    dir: dir.to_owned(),
                });
            }
            Err(error) => return Err(CheckpointError::io("read", &path)(error).into()),
        };
        let Version { version } = serde_json::from_str(&text).map_err(|e| unfit(&path, &e))?;
        if version != VERSION {
            return Err(JobError::Version {
                path,
                found: version,
                known: VERSION,
            });
        }
        serde_json::from_str(&text).map_err(|error| unfit(&path, &error))
    }
}

/// The error for a description that is not as it should be.
pub(super) fn unfit(path: &Path, error: &impl ToString) -> JobError {
    JobError::Description {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
