//! Which steps a folder keeps.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use super::JobError;
use super::names::{self, DESCRIPTION};
use super::publish::{latest, remove};
use crate::checkpoint::CheckpointError;

/// Removes all but the `keep` newest steps up to the latest one, which is among them.
///
/// Later ones stay: they are of a job that somebody took back to an earlier step.
pub(super) fn prune(dir: &Path, keep: NonZeroUsize) -> Result<(), JobError> {
    let Some(latest) = latest(dir)? else {
        return Ok(());
    };
    let mut steps = steps(dir)?;
    steps.retain(|&step| step <= latest);
    steps.sort_unstable_by(|a, b| b.cmp(a));
    for &step in steps.iter().skip(keep.get()) {
        remove(dir, step)?;
    }
    Ok(())
}

/// The steps that jobs have saved here; folders of such a name that hold something else are none.
fn steps(dir: &Path) -> Result<Vec<u64>, CheckpointError> {
    let mut steps = Vec::new();
    for entry in fs::read_dir(dir).map_err(CheckpointError::io("list", dir))? {
        let entry = entry.map_err(CheckpointError::io("list", dir))?;
        let step = names::step_of(Path::new(&entry.file_name()));
        steps.extend(step.filter(|_| entry.path().join(DESCRIPTION).exists()));
    }
    Ok(steps)
}
