//! Files that travel with the weights: tokenizer and generation settings.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::disk::put;
use super::folder;
use crate::config;

/// What a checkpoint's folder may hold of them.
const NAMES: [&str; 10] = [
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
];

/// A file to be saved beside the weights, such as a tokenizer's.
///
/// It stays open, so that it can be copied when the folder it was read from is gone, as an old step of a job.
#[derive(Debug)]
pub struct Companion {
    name: String,
    path: PathBuf,
    file: File,
}

impl Companion {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened, its path ends in no name, or Git LFS has not fetched it.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let open = || {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
            Ok(Self {
                name: name.to_string_lossy().into_owned(),
                path: path.to_owned(),
                file: File::open(path)?,
            })
        };
        let companion = open().map_err(CheckpointError::io("open", path))?;
        config::require_pulled(path)?;
        Ok(companion)
    }

    /// Opens those of a checkpoint, wherever an interrupted save has left them.
    pub(super) fn of(dir: &Path) -> Result<Vec<Self>, CheckpointError> {
        let open = |name: &str| {
            let opened = folder::open(dir, name).transpose()?;
            let name = name.to_owned();
            Some(opened.map(|(path, file)| Self { name, path, file }))
        };
        NAMES.into_iter().filter_map(open).collect()
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies it, down to the disk.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), CheckpointError> {
        // Every save reads it from its start.
        let rewound = (&self.file).rewind();
        let copied = rewound.and_then(|()| put(path, &self.file));
        copied.map_err(CheckpointError::io("copy", &self.path))
    }
}
