//! A step that is written becomes a step of the folder, and then the one that `latest` names.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::JobError;
use super::names::{self, DESCRIPTION, LATEST, NEW_LATEST};
use crate::checkpoint::{CheckpointError, gone, sync};

/// A step while it is written.
pub(super) struct Staging<'a> {
    dir: &'a Path,
    step: u64,
}

impl<'a> Staging<'a> {
    /// Makes the hidden folder of a step.
    pub(super) fn begin(dir: &'a Path, step: u64) -> Result<Self, JobError> {
        check_free(dir, step)?;
        let saving = names::saving(dir, step);
        gone(fs::remove_dir_all(&saving)).map_err(CheckpointError::io("clear", &saving))?;
        fs::create_dir(&saving).map_err(CheckpointError::io("create", &saving))?;
        Ok(Self { dir, step })
    }

    /// Makes it a step of the folder, and the latest one. Its files are on the disk.
    pub(super) fn publish(self) -> Result<(), JobError> {
        let saving = names::saving(self.dir, self.step);
        let step = self.dir.join(names::step(self.step));
        sync(&saving)?;
        if step.exists() {
            remove(self.dir, self.step)?;
        }
        fs::rename(&saving, &step).map_err(CheckpointError::io("rename", &saving))?;
        sync(self.dir)?;
        Ok(point(self.dir, self.step)?)
    }
}

impl Drop for Staging<'_> {
    /// Removes what a failed save wrote; after it was published there is nothing to remove.
    fn drop(&mut self) {
        // The failure that led here is being reported; the next start clears what stays.
        let _ = fs::remove_dir_all(names::saving(self.dir, self.step));
    }
}

/// Refuses a step whose folder must stay: one that is not ours, or that `latest` leads to.
///
/// Any other is of a job that went on from an earlier step, as after a kill just before `latest` moved.
fn check_free(dir: &Path, step: u64) -> Result<(), JobError> {
    let path = dir.join(names::step(step));
    if latest(dir)? == Some(step) {
        let why = "`latest` names it";
        return Err(JobError::Taken { path, why });
    }
    if path.exists() && !path.join(DESCRIPTION).exists() {
        let why = "no job has saved it";
        return Err(JobError::Taken { path, why });
    }
    Ok(())
}

/// The step that `latest` names, if there is such a link.
pub(super) fn latest(dir: &Path) -> Result<Option<u64>, JobError> {
    let link = dir.join(LATEST);
    let target = match fs::read_link(&link) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CheckpointError::io("read the link", &link)(error).into()),
    };
    match names::step_of(&target) {
        Some(step) if dir.join(&target).is_dir() => Ok(Some(step)),
        _ => Err(JobError::Latest { link, target }),
    }
}

/// Moves `latest` to a step.
fn point(dir: &Path, step: u64) -> Result<(), CheckpointError> {
    let (link, new) = (dir.join(LATEST), dir.join(NEW_LATEST));
    gone(fs::remove_file(&new)).map_err(CheckpointError::io("clear", &new))?;
    symlink(names::step(step), &new).map_err(CheckpointError::io("create", &new))?;
    fs::rename(&new, &link).map_err(CheckpointError::io("replace", &link))?;
    sync(dir)
}

/// Removes a step, which stops being one before its files go.
pub(super) fn remove(dir: &Path, step: u64) -> Result<(), CheckpointError> {
    let (path, hidden) = (dir.join(names::step(step)), names::removing(dir, step));
    gone(fs::remove_dir_all(&hidden)).map_err(CheckpointError::io("clear", &hidden))?;
    fs::rename(&path, &hidden).map_err(CheckpointError::io("rename", &path))?;
    fs::remove_dir_all(&hidden).map_err(CheckpointError::io("remove", &hidden))
}
