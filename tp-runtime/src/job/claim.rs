//! A job takes its folder, and shows that it can write there.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::JobError;
use super::names::{NEW_LATEST, PROBE, is_leftover};
use crate::checkpoint::{CheckpointError, gone, put};

/// Makes the folder this job's alone for as long as the handle is open, and clears it of what a killed
/// job left.
pub(super) fn claim(dir: &Path) -> Result<File, JobError> {
    let unwritable = |source| JobError::Unwritable {
        dir: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(unwritable)?;
    let folder = File::open(dir).map_err(unwritable)?;
    match folder.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(JobError::Locked {
                dir: dir.to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(unwritable(error)),
    }
    clear(dir)?;
    fs::create_dir(dir.join(PROBE)).map_err(unwritable)?;
    Ok(folder)
}

/// Writes a file where the first rank made a folder for it, so that it is one that all ranks see.
pub(super) fn probe(dir: &Path, rank: usize) -> Result<(), JobError> {
    let file = dir.join(PROBE).join(rank.to_string());
    put(&file, &b"a rank can write here"[..]).map_err(|source| JobError::Unwritable {
        dir: dir.to_owned(),
        source,
    })
}

/// Removes what steps a killed job had not finished writing or removing.
pub(super) fn clear(dir: &Path) -> Result<(), CheckpointError> {
    for entry in fs::read_dir(dir).map_err(CheckpointError::io("list", dir))? {
        let entry = entry.map_err(CheckpointError::io("list", dir))?;
        if is_leftover(&entry.file_name().to_string_lossy()) {
            let path = entry.path();
            gone(fs::remove_dir_all(&path)).map_err(CheckpointError::io("clear", &path))?;
        }
    }
    let link = dir.join(NEW_LATEST);
    gone(fs::remove_file(&link)).map_err(CheckpointError::io("clear", &link))
}
