//! Files that travel with the weights: tokenizers, processors, chat templates, generation settings, licences.
//!
//! A folder that holds a config may hold anything else, texts to learn among it. What travels is what describes the
//! model to a program that loads it, by the names and endings that such files have; neither weights in any
//! format nor what an interrupted training goes on from.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek};
use std::path::{Path, PathBuf};

use super::CheckpointError;
use super::disk::put;
use super::folder::{self, CONFIG, SAVED};
use crate::config;

/// A larger file is data, whatever it is called; the largest tokenizers have half of that.
const MAX_BYTES: u64 = 64 << 20;

/// Endings of settings, chat templates, and the models and vocabularies of tokenizers.
const ENDINGS: [&str; 5] = [".json", ".jinja", ".model", ".tiktoken", ".spm"];

/// Beginnings of names with any ending: `tokenizer.model.v3`, `LICENSE.txt`, and the Python code of a model.
const BEGINNINGS: [&str; 9] = [
    "LICENSE",
    "NOTICE",
    "tokenizer.",
    "configuration_",
    "image_processing_",
    "modeling_",
    "processing_",
    "tokenization_",
    "video_processing_",
];

/// Whole names of vocabularies.
const NAMES: [&str; 2] = ["merges.txt", "vocab.txt"];

/// Endings of what belongs to the weights that are replaced, and to the job that made them.
const OTHERS: [&str; 6] = [
    "adapter_config.json",
    ".index.json",
    "hf_quant_config.json",
    "_results.json",
    "trainer_state.json",
    "job.json",
];

/// Whether a file of this name is one.
fn travels(name: &str) -> bool {
    let is_other = name == CONFIG
        || name.starts_with('.')
        || OTHERS.iter().any(|ending| name.ends_with(ending));
    !is_other
        && (NAMES.contains(&name)
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || BEGINNINGS.iter().any(|start| name.starts_with(start)))
}

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

    /// Opens those of a folder that holds a config, wherever an interrupted save has left them.
    ///
    /// # Errors
    /// When the folder cannot be listed, or one of them cannot be opened.
    pub fn of(dir: &Path) -> Result<Vec<Self>, CheckpointError> {
        let names = names(dir)?.into_iter().chain(names(&dir.join(SAVED))?);
        let names: BTreeSet<String> = names.filter(|name| travels(name)).collect();
        let mut companions = Vec::new();
        for name in names {
            let Some((path, file)) = folder::open(dir, &name)? else {
                continue;
            };
            let facts = file.metadata();
            let facts = facts.map_err(CheckpointError::io("look at", &path))?;
            if facts.is_file() && facts.len() <= MAX_BYTES {
                companions.push(Self { name, path, file });
            }
        }
        Ok(companions)
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

/// What a folder holds; nothing where there is none.
fn names(dir: &Path) -> Result<Vec<String>, CheckpointError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(CheckpointError::io("list", dir))?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: io::Result<Vec<String>> = names.collect();
    names.map_err(CheckpointError::io("list", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_describes_the_model_travels() {
        for name in [
            "tokenizer.json",
            "tokenizer.model.v3",
            "tekken.json",
            "spiece.model",
            "qwen.tiktoken",
            "vocab.txt",
            "merges.txt",
            "preprocessor_config.json",
            "processor_config.json",
            "video_preprocessor_config.json",
            "generation_config.json",
            "chat_template.jinja",
            "special_tokens_map.json",
            "modeling_phi3.py",
            "LICENSE",
        ] {
            assert!(travels(name), "{name}");
        }
        for name in [
            "config.json",
            "model.safetensors",
            "model.safetensors.index.json",
            "pytorch_model.bin.index.json",
            "optimizer-00000-of-00008.safetensors",
            "training_args.bin",
            "trainer_state.json",
            "job.json",
            "train_results.json",
            "consolidated.00.pth",
            "model.gguf",
            "tales.txt",
            "make_tales.py",
            ".gitattributes",
        ] {
            assert!(!travels(name), "{name}");
        }
    }
}
