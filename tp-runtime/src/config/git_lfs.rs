//! What Git LFS leaves in the place of a file whose content it has not fetched.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::ConfigError;

/// How such a pointer starts.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// An error if there is a pointer at `path`; whoever reads the file says what else is wrong with it.
///
/// # Errors
/// If there is one.
pub fn require_pulled(path: &Path) -> Result<(), ConfigError> {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    match read {
        Ok(_) => require_content(path, &start),
        Err(_) => Ok(()),
    }
}

/// The same, given what the file at `path` starts with.
pub(crate) fn require_content(path: &Path, start: &[u8]) -> Result<(), ConfigError> {
    match start.starts_with(POINTER) {
        false => Ok(()),
        true => Err(ConfigError::GitLfsPointer {
            path: path.to_owned(),
        }),
    }
}
