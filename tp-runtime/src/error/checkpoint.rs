//! Every fault of a checkpoint, worded in one place.

use std::io;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::checkpoint_faults::Faults;

/// A checkpoint that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried, such as `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A folder without weights.
    #[error(
        "`{dir}` holds neither `model.safetensors` nor `model.safetensors.index.json`: \
         give the folder that `save_pretrained` wrote{}",
        if *.has_pickle { "; its `pytorch_model*.bin` are pickles, which have to be saved again as safetensors" } else { "" }
    )]
    NoWeights {
        /// The folder.
        dir: PathBuf,
        /// Whether it holds weights in PyTorch's older format.
        has_pickle: bool,
    },

    /// A folder without an adapter's weights.
    #[error(
        "`{dir}` holds no `adapter_model.safetensors`: give the folder that PEFT's `save_pretrained` wrote{}",
        if *.has_pickle { "; its `adapter_model.bin` is a pickle, which has to be saved again as safetensors" } else { "" }
    )]
    NoAdapter {
        /// The folder.
        dir: PathBuf,
        /// Whether it holds weights in PyTorch's older format.
        has_pickle: bool,
    },

    /// A file that is cut short or no safetensors file at all.
    #[error("`{path}` is not a whole safetensors file: {reason}; copy or download it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// An index that cannot be understood.
    #[error("`{path}` is not an index of safetensors files: {reason}; download it again")]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A file that the index names and the folder lacks.
    #[error(
        "`{index}` places `{tensor}` in `{file}`, which the folder does not hold: \
         download that file too"
    )]
    MissingFile {
        /// The index.
        index: PathBuf,
        /// The file it names.
        file: String,
        /// The first tensor it places there.
        tensor: String,
    },

    /// A tensor that is not in the file the index names.
    #[error(
        "`{index}` places `{tensor}` in `{file}`, which holds no such tensor: \
         index and file come from different checkpoints, download both again"
    )]
    AbsentTensor {
        /// The index.
        index: PathBuf,
        /// The file it names.
        file: String,
        /// The tensor it places there.
        tensor: String,
    },

    /// A tensor that two files hold and the index places in neither.
    #[error(
        "`{file}` and `{other}` both hold `{tensor}`, and `{index}` does not say which is the one: \
         index and files come from different checkpoints, download all again"
    )]
    StoredTwice {
        /// The index.
        index: PathBuf,
        /// One of the files.
        file: String,
        /// The other.
        other: PathBuf,
        /// The tensor they hold.
        tensor: String,
    },

    /// Scales that do not divide their weight into blocks.
    #[error(
        "`{scales}` of shape {found:?} does not fit `{weight}` of shape {shape:?}: \
         there has to be one scale for the weight, for each row or for each block of the size that \
         `quantization_config` gives"
    )]
    Scales {
        /// The weight.
        weight: String,
        /// Its shape.
        shape: Vec<i64>,
        /// The scales.
        scales: String,
        /// Their shape.
        found: Vec<i64>,
    },

    /// A tied parameter that is stored twice, with different values.
    #[error(
        "`{tensor}` and `{other}` are one parameter in the model, and stored with different values: \
         say `\"tie_word_embeddings\": false` in `config.json`, or store one of them"
    )]
    Tied {
        /// The tensor under the parameter's first name.
        tensor: String,
        /// That under another.
        other: String,
    },

    /// A name that no file of the checkpoint holds.
    #[error("`{dir}` holds no tensor `{tensor}`{}", did_you_mean(.nearest))]
    UnknownTensor {
        /// The folder.
        dir: PathBuf,
        /// The name asked for.
        tensor: String,
        /// The name it may have been meant for.
        nearest: Option<String>,
    },

    /// A tensor of a type that is no weight.
    #[error("`{tensor}` in `{file}` is stored as {dtype}: weights are read from F32, F16 or BF16")]
    Dtype {
        /// The tensor.
        tensor: String,
        /// The file that holds it.
        file: PathBuf,
        /// Its type there.
        dtype: safetensors::Dtype,
    },

    /// A chunk outside its tensor.
    #[error("`{tensor}` of shape {shape:?} has no chunk {start}..{end} in dimension {dim}")]
    Chunk {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<i64>,
        /// The dimension asked for.
        dim: usize,
        /// First index asked for.
        start: i64,
        /// One past the last index asked for.
        end: i64,
    },

    /// Names, shapes or types that are not the model's.
    #[error("the checkpoint `{dir}` does not fit the model:{faults}")]
    Misfit {
        /// The folder.
        dir: PathBuf,
        /// What does not fit, all of it.
        faults: Faults,
    },

    /// A folder that another job is writing.
    #[error(
        "cannot save into `{dir}`: another job is saving there; \
         wait until it has ended, or give this one a folder of its own"
    )]
    Locked {
        /// The folder.
        dir: PathBuf,
    },

    /// A gathered tensor that is not the parameter it was gathered for.
    #[error(
        "cannot save `{tensor}`: gathered as {found}, but the parameter is {expected}; \
         gather the whole parameter in its own dtype"
    )]
    Gathered {
        /// The parameter.
        tensor: String,
        /// Shape and type that came.
        found: String,
        /// Shape and type of the parameter.
        expected: String,
    },

    /// A parameter of a type that is no weight.
    #[error("cannot save `{tensor}` as {kind:?}: weights are saved as Float, Half or BFloat16")]
    Kind {
        /// The parameter.
        tensor: String,
        /// Its kind.
        kind: tch::Kind,
    },

    /// A `config.json` that cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// libtorch refused.
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}

impl CheckpointError {
    /// Names the file an input/output error happened on.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// The end of a sentence about an unknown name.
pub(crate) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(": did you mean `{name}`?"))
        .unwrap_or_default()
}
