//! The files that hold a checkpoint's weights: one, or those of an index; and the tensors in them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::finding::Finding;
use super::folder::{self, ADAPTER_WEIGHTS, INDEX, WEIGHTS};
use super::index;
use super::safetensors_file::SafetensorsFile;
use super::stored::Stored;
use crate::error::CheckpointError;

/// The opened files and what they hold.
#[derive(Default)]
pub(super) struct Weights {
    pub(super) files: Vec<SafetensorsFile>,
    pub(super) tensors: BTreeMap<String, Stored>,
    /// What is to be said of them.
    pub(super) findings: Vec<Finding>,
}

impl Weights {
    /// Opens every file of weights in the folder.
    pub(super) fn open(dir: &Path) -> Result<Self, CheckpointError> {
        if let Some((path, file)) = folder::open(dir, WEIGHTS)? {
            let mut weights = Self::default();
            weights.add(SafetensorsFile::open(&path, &file)?, |_| true);
            return Ok(weights);
        }
        if let Some((path, file)) = folder::open(dir, INDEX)? {
            return Self::open_indexed(dir, &path, &index::read(&path, file)?);
        }
        let has_pickle = folder::has_pickle(dir);
        Err(CheckpointError::NoWeights {
            dir: dir.to_owned(),
            has_pickle,
        })
    }

    /// Opens the one file of an adapter's weights.
    pub(super) fn open_adapter(dir: &Path) -> Result<Self, CheckpointError> {
        let Some((path, file)) = folder::open(dir, ADAPTER_WEIGHTS)? else {
            return Err(CheckpointError::NoAdapter {
                dir: dir.to_owned(),
                has_pickle: dir.join("adapter_model.bin").exists(),
            });
        };
        let mut weights = Self::default();
        weights.add(SafetensorsFile::open(&path, &file)?, |_| true);
        Ok(weights)
    }

    /// Opens the files of an index. Tensors that it does not list are taken where they lie, as in transformers.
    fn open_indexed(
        dir: &Path,
        index: &Path,
        files: &index::Files,
    ) -> Result<Self, CheckpointError> {
        let mut weights = Self::default();
        let mut unlisted = Vec::new();
        let listed: HashSet<&String> = files.values().flatten().collect();
        for (name, tensors) in files {
            let (index, file) = (index.to_owned(), name.clone());
            let Some((path, handle)) = folder::open(dir, name)? else {
                let tensor = tensors[0].clone();
                return Err(CheckpointError::MissingFile {
                    index,
                    file,
                    tensor,
                });
            };
            let safetensors = SafetensorsFile::open(&path, &handle)?;
            let absent = |tensor: &&String| safetensors.tensor(tensor).is_none();
            if let Some(tensor) = tensors.iter().find(absent) {
                return Err(CheckpointError::AbsentTensor {
                    index,
                    file,
                    tensor: tensor.clone(),
                });
            }
            let others = safetensors.tensors().map(|(tensor, _)| tensor);
            let mut others: Vec<String> = others.filter(|name| !listed.contains(name)).collect();
            others.sort();
            if let Some(tensor) = others
                .iter()
                .find(|name| weights.tensors.contains_key(*name))
            {
                return Err(CheckpointError::StoredTwice {
                    index,
                    file,
                    other: weights.tensors[tensor].info.file.clone(),
                    tensor: tensor.clone(),
                });
            }
            let own: HashSet<&String> = tensors.iter().chain(&others).collect();
            weights.add(safetensors, |tensor| own.contains(tensor));
            unlisted.extend(others);
        }
        if let Some(first) = unlisted.first() {
            weights.findings.push(Finding::Unlisted {
                index: index.to_owned(),
                first: first.clone(),
                count: unlisted.len(),
            });
        }
        Ok(weights)
    }

    /// Adds a file and those of its tensors that are taken from it.
    fn add(&mut self, file: SafetensorsFile, is_taken: impl Fn(&String) -> bool) {
        for (name, header) in file.tensors().filter(|(name, _)| is_taken(name)) {
            let stored = Stored::new(header, self.files.len(), &file.path);
            self.tensors.insert(name, stored);
        }
        self.files.push(file);
    }
}
