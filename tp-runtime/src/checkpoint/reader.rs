//! An opened checkpoint: every tensor known by name, none read yet.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::companion::Companion;
use super::dtype::kind_of;
use super::safetensors_file::SafetensorsFile;
use super::slices::chunk_bytes;
use super::{folder, names, weights};
use crate::config::{self, ConfigError};
use crate::error::CheckpointError;

/// A checkpoint folder whose headers have been read and checked.
///
/// It counts the bytes it reads for one rank, so every rank opens its own; mapped files are shared
/// by the operating system.
pub struct Checkpoint {
    dir: PathBuf,
    config: Value,
    files: Vec<SafetensorsFile>,
    tensors: BTreeMap<String, Stored>,
    bytes_read: Cell<u64>,
}

/// A tensor of a checkpoint, as its header has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The type it is stored in.
    pub dtype: Dtype,
    /// The shape of the whole tensor.
    pub shape: Vec<i64>,
    /// The file that holds it.
    pub file: PathBuf,
}

/// Where a tensor lies.
struct Stored {
    info: TensorInfo,
    file: usize,
    offsets: Range<usize>,
}

impl Checkpoint {
    /// Opens the checkpoint in a folder, reading `config.json` and the headers of the weights.
    ///
    /// `model.safetensors` is read if the folder has it, else the files that
    /// `model.safetensors.index.json` names, as in transformers.
    ///
    /// # Errors
    /// If a file is missing, truncated or damaged, or if index and files disagree.
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        let config = match folder::open(dir, folder::CONFIG)? {
            Some((path, file)) => {
                let text = io::read_to_string(file).map_err(CheckpointError::io("read", &path))?;
                config::from_text(&path, &text)?
            }
            None => config::read(&dir.join(folder::CONFIG))?,
        };
        let files = weights::open(dir)?;
        let tensors = tensors(&files);
        Ok(Self {
            dir: dir.to_owned(),
            config,
            files,
            tensors,
            bytes_read: Cell::new(0),
        })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What `config.json` says.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The name of the model type, from `config.json`.
    ///
    /// # Errors
    /// If the config names none.
    pub fn architecture(&self) -> Result<&str, CheckpointError> {
        Ok(config::architecture(&self.config)?.ok_or(ConfigError::NoArchitecture)?)
    }

    /// What travels with the weights, such as tokenizer and generation settings, for [`save`](super::save).
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub fn companions(&self) -> Result<Vec<Companion>, CheckpointError> {
        Companion::of(&self.dir)
    }

    /// The stored tensors, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorInfo)> {
        self.tensors
            .iter()
            .map(|(name, stored)| (name.as_str(), &stored.info))
    }

    /// What is known of one tensor.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name).map(|stored| &stored.info)
    }

    /// Reads a whole tensor.
    ///
    /// # Errors
    /// If there is no such tensor, or it is not stored as F32, F16 or BF16.
    pub fn read(&self, name: &str, kind: Kind, device: Device) -> Result<Tensor, CheckpointError> {
        let stored = self.stored(name)?;
        let bytes = self.files[stored.file].bytes(stored.offsets.clone());
        self.tensor_of(name, stored, bytes, &stored.info.shape, kind, device)
    }

    /// Reads the indices `range` of dimension `dim` of a tensor, and no other bytes of it.
    ///
    /// # Errors
    /// If there is no such tensor or chunk, or it is not stored as F32, F16 or BF16.
    pub fn read_chunk(
        &self,
        name: &str,
        dim: usize,
        range: Range<i64>,
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, CheckpointError> {
        self.read_ranges(name, dim, &[range], kind, device)
    }

    /// Reads the indices in each of `ranges` of dimension `dim` of a tensor, one range after another,
    /// and no other bytes of it.
    ///
    /// # Errors
    /// As [`Self::read_chunk`].
    pub fn read_ranges(
        &self,
        name: &str,
        dim: usize,
        ranges: &[Range<i64>],
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, CheckpointError> {
        let stored = self.stored(name)?;
        let mut shape = stored.info.shape.clone();
        let length = shape.get(dim).copied().unwrap_or(-1);
        let outside =
            |range: &&Range<i64>| range.start < 0 || range.start > range.end || range.end > length;
        if let Some(&Range { start, end }) = ranges.iter().find(outside) {
            let tensor = name.to_owned();
            return Err(CheckpointError::Chunk {
                tensor,
                shape,
                dim,
                start,
                end,
            });
        }
        shape[dim] = ranges.iter().map(|range| range.end - range.start).sum();
        let bytes = self.files[stored.file].bytes(stored.offsets.clone());
        let element_size = stored.info.dtype.bitsize() / 8;
        let bytes = chunk_bytes(bytes, &stored.info.shape, dim, ranges, element_size);
        self.tensor_of(name, stored, &bytes, &shape, kind, device)
    }

    /// How many bytes of tensors have been read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    fn stored(&self, name: &str) -> Result<&Stored, CheckpointError> {
        self.tensors
            .get(name)
            .ok_or_else(|| CheckpointError::UnknownTensor {
                dir: self.dir.clone(),
                tensor: name.to_owned(),
                nearest: names::nearest(name, self.tensors.keys()),
            })
    }

    /// Copies bytes of the map into a tensor that owns them.
    fn tensor_of(
        &self,
        name: &str,
        stored: &Stored,
        bytes: &[u8],
        shape: &[i64],
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, CheckpointError> {
        let stored_kind = kind_of(stored.info.dtype).ok_or_else(|| CheckpointError::Dtype {
            tensor: name.to_owned(),
            file: stored.info.file.clone(),
            dtype: stored.info.dtype,
        })?;
        let tensor = Tensor::f_from_data_size(bytes, shape, stored_kind)?;
        self.bytes_read
            .set(self.bytes_read.get() + bytes.len() as u64);
        Ok(tensor.f_to_device_(device, kind, false, false)?)
    }
}

/// The tensors of all files by name.
fn tensors(files: &[SafetensorsFile]) -> BTreeMap<String, Stored> {
    let mut tensors = BTreeMap::new();
    for (file, safetensors) in files.iter().enumerate() {
        for (name, header) in safetensors.tensors() {
            let info = TensorInfo {
                dtype: header.dtype,
                shape: header.shape.iter().map(|&length| length as i64).collect(),
                file: safetensors.path.clone(),
            };
            let offsets = header.data_offsets.0..header.data_offsets.1;
            tensors.insert(
                name,
                Stored {
                    info,
                    file,
                    offsets,
                },
            );
        }
    }
    tensors
}
