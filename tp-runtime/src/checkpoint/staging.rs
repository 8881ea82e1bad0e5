//! A checkpoint's folder changes from the old files to the new in one step.
//!
//! New files are collected in `.checkpoint-saving` inside the folder. Renaming that to
//! `.checkpoint-saved` is the step: before it the folder is the old checkpoint, after it the new
//! one, because opening looks there first. Only then do the files move to where other programs look
//! for them. A crash leaves one of the two folders behind; the next save removes the first, which
//! is incomplete, and finishes moving the second.
//!
//! Whoever saves holds a lock on the folder, which the system releases when a job ends, however it
//! ends. On a network's file system it may hold only between the jobs of one host.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{gone, sync};
use super::folder::{INDEX, SAVED, SAVING, WEIGHTS};
use super::index;
use crate::config::MODELOPT;
use crate::error::CheckpointError;

/// The files of a checkpoint while they are written.
pub(super) struct Staging {
    dir: PathBuf,
    saving: PathBuf,
    /// The folder, open and locked until the save is over.
    lock: File,
}

impl Staging {
    /// Starts a save into `dir`, unless another job is at one, first clearing up after one that was
    /// interrupted.
    pub(super) fn begin(dir: &Path) -> Result<Self, CheckpointError> {
        fs::create_dir_all(dir).map_err(CheckpointError::io("create", dir))?;
        let lock = lock(dir)?;
        let saving = dir.join(SAVING);
        finish(dir)?;
        gone(fs::remove_dir_all(&saving)).map_err(CheckpointError::io("clear", &saving))?;
        fs::create_dir(&saving).map_err(CheckpointError::io("create", &saving))?;
        Ok(Self {
            dir: dir.to_owned(),
            saving,
            lock,
        })
    }

    /// Where to write the file `name`; whoever writes it also puts it on the disk.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.saving.join(name)
    }

    /// Makes the files written the checkpoint of the folder.
    pub(super) fn commit(self) -> Result<(), CheckpointError> {
        sync(&self.saving)?;
        let saved = self.dir.join(SAVED);
        fs::rename(&self.saving, &saved).map_err(CheckpointError::io("rename", &self.saving))?;
        sync(&self.dir)?;
        finish(&self.dir)
    }
}

impl Drop for Staging {
    /// Removes what a failed save wrote, of which a commit leaves nothing, and frees the folder.
    fn drop(&mut self) {
        // The failure that led here is being reported; the next save clears what stays.
        let _ = fs::remove_dir_all(&self.saving);
        // Not left to the handle: a process that is being started has a copy of it for a moment.
        let _ = self.lock.unlock();
    }
}

/// Makes this job the only one that saves into a folder, for as long as the handle is open.
fn lock(dir: &Path) -> Result<File, CheckpointError> {
    let folder = File::open(dir).map_err(CheckpointError::io("open", dir))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(CheckpointError::Locked {
            dir: dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(CheckpointError::io("lock", dir)(error)),
    }
}

/// Moves the files of a complete save into the folder and removes weights they replace.
fn finish(dir: &Path) -> Result<(), CheckpointError> {
    let saved = dir.join(SAVED);
    let entries = match fs::read_dir(&saved) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(CheckpointError::io("list", &saved)(error)),
    };
    for entry in entries {
        let from = entry.map_err(CheckpointError::io("list", &saved))?;
        let to = dir.join(from.file_name());
        fs::rename(from.path(), &to).map_err(CheckpointError::io("replace", &to))?;
    }
    // The moves must be on the disk before the folder that stands in for them goes.
    sync(dir)?;
    remove_replaced_weights(dir)?;
    fs::remove_dir(&saved).map_err(CheckpointError::io("remove", &saved))?;
    sync(dir)
}

/// Removes an index and its files, which `model.safetensors` has replaced, and what said how they were quantized.
fn remove_replaced_weights(dir: &Path) -> Result<(), CheckpointError> {
    if !dir.join(WEIGHTS).exists() {
        return Ok(()); // an adapter replaces none
    }
    let path = dir.join(INDEX);
    // An index that cannot be read names no file to remove.
    let files = match File::open(&path) {
        Ok(file) => index::read(&path, file).unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => index::Files::default(),
        Err(error) => return Err(CheckpointError::io("open", &path)(error)),
    };
    for name in files
        .keys()
        .map(String::as_str)
        .filter(|&name| name != WEIGHTS)
        .chain([INDEX, MODELOPT])
    {
        let path = dir.join(name);
        gone(fs::remove_file(&path)).map_err(CheckpointError::io("remove", &path))?;
    }
    Ok(())
}
