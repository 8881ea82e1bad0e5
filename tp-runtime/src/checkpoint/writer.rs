//! Writes a safetensors file one tensor at a time, so that a model never lies in memory as a whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tch::{Device, Kind, Tensor};

use super::dtype::dtype_of;
use crate::error::CheckpointError;

/// What the header says of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) shape: Vec<i64>,
}

/// A file whose header is written and whose tensors follow, in the header's order.
pub(crate) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
}

/// Elements copied from a tensor to the file at a time.
const PIECE: i64 = 1 << 22;

impl Writer {
    /// Creates the file and writes its header, with texts of `metadata` in it.
    pub(crate) fn create(
        path: &Path,
        entries: &[Entry],
        metadata: Map<String, Value>,
    ) -> Result<Self, CheckpointError> {
        let file = File::create(path).map_err(CheckpointError::io("create", path))?;
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        };
        let header = header(entries, metadata)?;
        writer.bytes(&(header.len() as u64).to_le_bytes())?;
        writer.bytes(header.as_bytes())?;
        Ok(writer)
    }

    /// Writes the next tensor.
    pub(crate) fn write(&mut self, entry: &Entry, tensor: &Tensor) -> Result<(), CheckpointError> {
        let (kind, shape) = (tensor.f_kind()?, tensor.size());
        if (kind, &shape) != (entry.kind, &entry.shape) {
            return Err(CheckpointError::Gathered {
                tensor: entry.name.clone(),
                found: format!("{kind:?} {shape:?}"),
                expected: format!("{:?} {:?}", entry.kind, entry.shape),
            });
        }
        let flat = tensor.f_detach()?.f_reshape([-1])?;
        let length = entry.shape.iter().product::<i64>();
        let mut bytes = Vec::new();
        for start in (0..length).step_by(PIECE as usize) {
            let count = PIECE.min(length - start);
            let piece = flat.f_narrow(0, start, count)?.f_to_device(Device::Cpu)?;
            bytes.resize(count as usize * kind.elt_size_in_bytes(), 0);
            piece.f_copy_data_u8(&mut bytes, count as usize)?;
            self.bytes(&bytes)?;
        }
        Ok(())
    }

    /// Puts everything on the disk.
    pub(crate) fn finish(self) -> Result<(), CheckpointError> {
        let error = |source| CheckpointError::io("write", &self.path)(source);
        let file = self
            .file
            .into_inner()
            .map_err(|failed| error(failed.into_error()))?;
        file.sync_all()
            .map_err(CheckpointError::io("write", &self.path))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.file
            .write_all(bytes)
            .map_err(CheckpointError::io("write", &self.path))
    }
}

/// The JSON that starts the file, padded so that the tensors after it are aligned.
fn header(entries: &[Entry], mut metadata: Map<String, Value>) -> Result<String, CheckpointError> {
    // transformers refuses a file that does not say which framework laid it out.
    metadata.insert("format".to_owned(), Value::from("pt"));
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), Value::Object(metadata));
    let mut start = 0;
    for Entry { name, kind, shape } in entries {
        let length = shape.iter().product::<i64>() as usize;
        let end = start + length * kind.elt_size_in_bytes();
        let (dtype, _) = dtype_of(*kind).ok_or_else(|| CheckpointError::Kind {
            tensor: name.clone(),
            kind: *kind,
        })?;
        let info = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] });
        header.insert(name.clone(), info);
        start = end;
    }
    let text = Value::Object(header).to_string();
    Ok(format!(
        "{text:<width$}",
        width = text.len().next_multiple_of(8)
    ))
}
