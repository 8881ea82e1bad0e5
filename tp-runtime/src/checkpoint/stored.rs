//! Where a tensor lies in the files of a checkpoint.

use std::ops::Range;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, tensor};

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
pub(super) struct Stored {
    pub(super) info: TensorInfo,
    /// The file's place among those of the checkpoint.
    pub(super) file: usize,
    pub(super) offsets: Range<usize>,
}

impl Stored {
    /// The tensor of this header in the file at `path`, which is the `file`th.
    pub(super) fn new(header: &tensor::TensorInfo, file: usize, path: &Path) -> Self {
        Self {
            info: TensorInfo {
                dtype: header.dtype,
                shape: header.shape.iter().map(|&length| length as i64).collect(),
                file: path.to_owned(),
            },
            file,
            offsets: header.data_offsets.0..header.data_offsets.1,
        }
    }
}
