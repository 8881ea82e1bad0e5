//! A checkpoint's folder: where its files lie, also after a save that was interrupted.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::CheckpointError;
use crate::config;

/// The configuration of the model.
pub(super) const CONFIG: &str = "config.json";
/// All weights in one file.
pub(super) const WEIGHTS: &str = "model.safetensors";
/// All weights of an adapter.
pub(super) const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";
/// Which of several files holds which weight.
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Where a save collects its files.
pub(super) const SAVING: &str = ".checkpoint-saving";
/// The same folder once it is complete: it stands for the checkpoint until its files are moved out.
pub(super) const SAVED: &str = ".checkpoint-saved";

/// Opens the file `name` of a checkpoint, or `None` if the checkpoint has no such file.
pub(super) fn open(dir: &Path, name: &str) -> Result<Option<(PathBuf, File)>, CheckpointError> {
    // In this order a file that a save moves out meanwhile is still found.
    for path in [dir.join(SAVED).join(name), dir.join(name)] {
        match File::open(&path) {
            Ok(file) => {
                config::require_pulled(&path)?;
                return Ok(Some((path, file)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(CheckpointError::io("open", &path)(error)),
        }
    }
    Ok(None)
}

/// Whether the folder holds weights in PyTorch's older format.
pub(super) fn has_pickle(dir: &Path) -> bool {
    ["pytorch_model.bin", "pytorch_model.bin.index.json"]
        .iter()
        .any(|name| dir.join(name).exists())
}
