//! One safetensors file: its header checked against its size, its tensors as bytes of the map.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::{SafeTensorError, SafeTensors, tensor};

use super::CheckpointError;
use crate::comm::MappedFile;

/// The length of a header comes first, in this many bytes.
const LENGTH_BYTES: usize = 8;

/// A mapped file and what its header says.
pub(crate) struct SafetensorsFile {
    pub(crate) path: PathBuf,
    map: MappedFile,
    data: Range<usize>,
    header: tensor::Metadata,
}

impl SafetensorsFile {
    /// Maps a file and checks that the tensors of its header fill it exactly.
    pub(crate) fn open(path: &Path, file: &File) -> Result<Self, CheckpointError> {
        let map = MappedFile::open(file).map_err(CheckpointError::io("map", path))?;
        let (length, header) =
            SafeTensors::read_metadata(&map).map_err(|error| CheckpointError::Damaged {
                path: path.to_owned(),
                reason: reason(&error, &map),
            })?;
        let data = LENGTH_BYTES + length..map.len();
        Ok(Self {
            path: path.to_owned(),
            map,
            data,
            header,
        })
    }

    /// The tensors of the file by name.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (String, &tensor::TensorInfo)> {
        self.header.tensors().into_iter()
    }

    /// One of them.
    pub(crate) fn tensor(&self, name: &str) -> Option<&tensor::TensorInfo> {
        self.header.info(name)
    }

    /// A text of the header beside the tensors.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let texts = self.header.metadata().as_ref()?;
        texts.get(key).map(String::as_str)
    }

    /// The bytes of a tensor, given its offsets as the header has them.
    pub(crate) fn bytes(&self, offsets: Range<usize>) -> &[u8] {
        &self.map[self.data.clone()][offsets]
    }
}

/// Says what is wrong with a header, and where the sizes differ by how much.
fn reason(error: &SafeTensorError, bytes: &[u8]) -> String {
    let size = bytes.len();
    match error {
        SafeTensorError::HeaderTooSmall => format!("it ends after {size} bytes, inside its header"),
        SafeTensorError::InvalidHeaderLength => {
            format!("it ends after {size} bytes, inside its header")
        }
        SafeTensorError::HeaderTooLarge => "its first eight bytes are no header length".to_owned(),
        SafeTensorError::MetadataIncompleteBuffer => {
            format!("its {size} bytes are not as many as its header says")
        }
        SafeTensorError::InvalidOffset(tensor) => {
            format!("the offsets of `{tensor}` leave a gap or overlap")
        }
        SafeTensorError::TensorInvalidInfo | SafeTensorError::ValidationOverflow => {
            "the offsets of a tensor do not match its shape".to_owned()
        }
        other => format!("its header is damaged ({other})"),
    }
}
