//! The files that hold a checkpoint's weights: one, or those of an index.

use std::collections::HashSet;
use std::path::Path;

use super::folder::{self, INDEX, WEIGHTS};
use super::index;
use super::safetensors_file::SafetensorsFile;
use crate::error::CheckpointError;

/// Opens every file of weights in the folder.
pub(super) fn open(dir: &Path) -> Result<Vec<SafetensorsFile>, CheckpointError> {
    if let Some((path, file)) = folder::open(dir, WEIGHTS)? {
        return Ok(vec![SafetensorsFile::open(&path, &file)?]);
    }
    if let Some((path, file)) = folder::open(dir, INDEX)? {
        return open_indexed(dir, &path, &index::read(&path, file)?);
    }
    let has_pickle = folder::has_pickle(dir);
    Err(CheckpointError::NoWeights {
        dir: dir.to_owned(),
        has_pickle,
    })
}

/// Opens the files of an index and compares their tensors with it, both ways.
fn open_indexed(
    dir: &Path,
    index: &Path,
    files: &index::Files,
) -> Result<Vec<SafetensorsFile>, CheckpointError> {
    let mut opened = Vec::with_capacity(files.len());
    for (name, listed) in files {
        let (index, file) = (index.to_owned(), name.clone());
        let Some((path, handle)) = folder::open(dir, name)? else {
            let tensor = listed[0].clone();
            return Err(CheckpointError::MissingFile {
                index,
                file,
                tensor,
            });
        };
        let safetensors = SafetensorsFile::open(&path, &handle)?;
        let held: HashSet<String> = safetensors.tensors().map(|(tensor, _)| tensor).collect();
        if let Some(tensor) = listed.iter().find(|tensor| !held.contains(*tensor)) {
            return Err(CheckpointError::AbsentTensor {
                index,
                file,
                tensor: tensor.clone(),
            });
        }
        let listed: HashSet<&String> = listed.iter().collect();
        if let Some(tensor) = held.iter().filter(|tensor| !listed.contains(tensor)).min() {
            return Err(CheckpointError::UnlistedTensor {
                index,
                file,
                tensor: tensor.clone(),
            });
        }
        opened.push(safetensors);
    }
    Ok(opened)
}
