//! An opened checkpoint: every tensor known by name, none read yet.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::companion::Companion;
use super::dtype::{fp8_kind, kind_of};
use super::finding::Finding;
use super::scales::{self, Scales};
use super::slices::Part;
use super::stored::{Stored, TensorInfo};
use super::weights::Weights;
use super::{folder, names};
use crate::config::{self, ConfigError, Fp8};
use crate::error::CheckpointError;

/// A checkpoint folder whose headers have been read and checked.
///
/// Weights that are stored as FP8 are read as the values they stand for; their scales are no tensors of their own.
/// It counts the bytes it reads for one rank, so every rank opens its own; mapped files are shared
/// by the operating system.
pub struct Checkpoint {
    dir: PathBuf,
    config: Value,
    weights: Weights,
    /// Those of weights that are stored as FP8, by the weights' names.
    scales: BTreeMap<String, Scales>,
    bytes_read: Cell<u64>,
}

impl Checkpoint {
    /// Opens the checkpoint in a folder, reading `config.json` and the headers of the weights.
    ///
    /// `model.safetensors` is read if the folder has it, else the files that
    /// `model.safetensors.index.json` names, as in transformers.
    ///
    /// # Errors
    /// If a file is missing, truncated, damaged or left to Git LFS, if index and files disagree, or if the weights
    /// are quantized in another way than FP8.
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        let config = match folder::open(dir, folder::CONFIG)? {
            Some((path, file)) => {
                let text = io::read_to_string(file).map_err(CheckpointError::io("read", &path))?;
                config::from_text(&path, &text)?
            }
            None => config::read(&dir.join(folder::CONFIG))?,
        };
        let fp8 = Fp8::of(&config)?;
        let mut weights = Weights::open(dir)?;
        let scales = match fp8 {
            Some(fp8) => scales::take(&mut weights.tensors, fp8)?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            dir: dir.to_owned(),
            config,
            weights,
            scales,
            bytes_read: Cell::new(0),
        })
    }

    /// Opens the weights of an adapter in a folder of PEFT's layout; they have no `config.json`.
    pub(crate) fn open_adapter(dir: &Path) -> Result<Self, CheckpointError> {
        Ok(Self {
            dir: dir.to_owned(),
            config: Value::Null,
            weights: Weights::open_adapter(dir)?,
            scales: BTreeMap::new(),
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
        (self.weights.tensors)
            .iter()
            .map(|(name, stored)| (name.as_str(), &stored.info))
    }

    /// What is known of one tensor.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.weights.tensors.get(name).map(|stored| &stored.info)
    }

    /// Reads a whole tensor.
    ///
    /// # Errors
    /// If there is no such tensor, or it is not stored as F32, F16, BF16, or FP8 with scales.
    pub fn read(&self, name: &str, kind: Kind, device: Device) -> Result<Tensor, CheckpointError> {
        self.read_part(name, Part::Whole, kind, device)
    }

    /// Reads the indices `range` of dimension `dim` of a tensor, and no other bytes of it.
    ///
    /// # Errors
    /// If there is no such tensor or chunk, or it is not stored as F32, F16, BF16, or FP8 with scales.
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
        let shape = &self.stored(name)?.info.shape;
        let length = shape.get(dim).copied().unwrap_or(-1);
        let outside =
            |range: &&Range<i64>| range.start < 0 || range.start > range.end || range.end > length;
        if let Some(&Range { start, end }) = ranges.iter().find(outside) {
            let (tensor, shape) = (name.to_owned(), shape.clone());
            return Err(CheckpointError::Chunk {
                tensor,
                shape,
                dim,
                start,
                end,
            });
        }
        self.read_part(name, Part::Ranges(dim, ranges), kind, device)
    }

    /// How many bytes of tensors have been read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// What is to be said of the files, where parameters are held as `kind`.
    pub(super) fn findings(&self, kind: Kind) -> Vec<Finding> {
        let mut findings = self.weights.findings.clone();
        if !self.scales.is_empty() {
            let count = self.scales.len();
            findings.push(Finding::Fp8 { count, kind });
        }
        findings
    }

    /// Whether the tensor is stored as weights are.
    pub(super) fn is_weight(&self, name: &str) -> bool {
        let is_plain = |info: &TensorInfo| kind_of(info.dtype).is_some();
        self.tensor(name).is_some_and(is_plain) || self.scales.contains_key(name)
    }

    /// Whether a part of one tensor equals that of another of the same shape: bit by bit, or by its values where
    /// they are stored in different types.
    pub(super) fn is_equal(
        &self,
        name: &str,
        other: &str,
        part: Part<'_>,
    ) -> Result<bool, CheckpointError> {
        let (one, two) = (self.stored(name)?, self.stored(other)?);
        let is_plain = kind_of(one.info.dtype).is_some();
        if one.info.dtype == two.info.dtype && is_plain {
            let bytes = |stored| self.bytes(stored, part, &one.info.shape);
            return Ok(bytes(one) == bytes(two));
        }
        let read = |name| self.read_part(name, part, Kind::Float, Device::Cpu);
        Ok(read(name)?.f_equal(&read(other)?)?)
    }

    /// Reads a part of a tensor that lies inside it.
    pub(super) fn read_part(
        &self,
        name: &str,
        part: Part<'_>,
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, CheckpointError> {
        let stored = self.stored(name)?;
        let shape = &stored.info.shape;
        let values = match (self.scales.get(name), fp8_kind(stored.info.dtype)) {
            (Some(scales), Some(fp8)) => {
                let weight = self.copy(stored, part, shape, fp8)?.f_to_device(device)?;
                let scale = self.read_scales(scales, part)?.f_to_device(device)?;
                scales.multiply(part, &weight, scale)?
            }
            _ => self.copy(stored, part, shape, self.kind(name, stored)?)?,
        };
        Ok(values.f_to_device_(device, kind, false, false)?)
    }

    /// The scales of the blocks that a part of their weight lies in.
    fn read_scales(&self, scales: &Scales, part: Part<'_>) -> Result<Tensor, CheckpointError> {
        let blocks = scales.of(part);
        let part = match &blocks {
            Some((dim, ranges)) => Part::Ranges(*dim, ranges),
            None => Part::Whole,
        };
        let stored = &scales.stored;
        if stored.info.dtype == Dtype::F8_E8M0 {
            // The exponent of a power of two, counted from -127.
            let exponent = self.copy(stored, part, &scales.grid, Kind::Uint8)?;
            return Ok((exponent.f_to_kind(Kind::Float)? - 127).f_exp2()?);
        }
        let kind = self.kind(&scales.name, stored)?;
        let values = self.copy(stored, part, &scales.grid, kind)?;
        Ok(values.f_to_kind(Kind::Float)?)
    }

    fn stored(&self, name: &str) -> Result<&Stored, CheckpointError> {
        let tensors = &self.weights.tensors;
        tensors
            .get(name)
            .ok_or_else(|| CheckpointError::UnknownTensor {
                dir: self.dir.clone(),
                tensor: name.to_owned(),
                nearest: names::nearest(name, tensors.keys()),
            })
    }

    /// The kind of a tensor that is stored as itself.
    fn kind(&self, name: &str, stored: &Stored) -> Result<Kind, CheckpointError> {
        kind_of(stored.info.dtype).ok_or_else(|| CheckpointError::Dtype {
            tensor: name.to_owned(),
            file: stored.info.file.clone(),
            dtype: stored.info.dtype,
        })
    }

    /// Copies a part of the map, seen as a tensor of that shape and kind, into a tensor that owns it.
    fn copy(
        &self,
        stored: &Stored,
        part: Part<'_>,
        shape: &[i64],
        kind: Kind,
    ) -> Result<Tensor, CheckpointError> {
        let bytes = self.bytes(stored, part, shape);
        let tensor = Tensor::f_from_data_size(&bytes, &part.shape(shape), kind)?;
        self.bytes_read
            .set(self.bytes_read.get() + bytes.len() as u64);
        Ok(tensor)
    }

    /// The bytes of a part of a tensor, seen as one of that shape.
    fn bytes(&self, stored: &Stored, part: Part<'_>, shape: &[i64]) -> Cow<'_, [u8]> {
        let bytes = self.weights.files[stored.file].bytes(stored.offsets.clone());
        part.bytes(bytes, shape, stored.info.dtype.bitsize() / 8)
    }
}
