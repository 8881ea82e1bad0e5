//! Files and folders that are on the disk before anyone relies on them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::CheckpointError;

/// Writes a file down to the disk.
pub(crate) fn put(path: &Path, mut content: impl Read) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::copy(&mut content, &mut file)?;
    file.sync_all()
}

/// Puts the names in a folder on the disk.
pub(crate) fn sync(dir: &Path) -> Result<(), CheckpointError> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(CheckpointError::io("write", dir))
}

/// Removing what is not there has succeeded.
pub(crate) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
