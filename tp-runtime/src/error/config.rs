//! Every fault of a `config.json`, worded in one place.

use std::io;
use std::path::PathBuf;

/// A `config.json` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system refused.
    #[error("cannot read `{path}`: {source}; give a folder in the Hugging Face layout")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A file that is no JSON.
    #[error("`{path}` is not JSON: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's reason, with line and column.
        source: serde_json::Error,
    },

    /// JSON that is no object.
    #[error("`{path}` is not a JSON object of config fields")]
    NoObject {
        /// The file.
        path: PathBuf,
    },

    /// What Git LFS left in the place of a file.
    #[error(
        "`{path}` is a pointer of Git LFS, not the file itself: run `git lfs pull` in its folder"
    )]
    GitLfsPointer {
        /// The file.
        path: PathBuf,
    },

    /// Weights that are stored in a way that is not read.
    #[error(
        "the weights are quantized with {method}: give the release that is not, or one that is stored as FP8"
    )]
    Quantization {
        /// The method.
        method: String,
    },

    /// A config that does not say what model it is of.
    #[error(
        "the config has neither `architectures` nor `model_type`: add `\"architectures\": [\"LlamaForCausalLM\"]`"
    )]
    NoArchitecture,

    /// A field that is missing, of another type or out of its limits.
    #[error("{}: {reason}", place(.path))]
    Field {
        /// The field, dotted from the top; `.` is the config itself.
        path: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A probability that no dropout has.
    #[error("{probability} is no probability of dropout: give one of at least 0 and less than 1")]
    Dropout {
        /// What was given.
        probability: f64,
    },

    /// Sizes that a config leaves out.
    #[error("{}", sizes(.place, .missing))]
    MissingSizes {
        /// The config, dotted from the top; `.` for the whole one.
        place: String,
        /// Each size, with the field that likely holds it.
        missing: Vec<(&'static str, Option<String>)>,
    },

    /// Rotary parameters by layer type, where the model has one set for all layers.
    #[error("config field `{field}` is by layer type, but this model has one for all layers")]
    RopeByLayerType {
        /// The field.
        field: &'static str,
    },

    /// Rotary parameters for all layers, where the model has them by layer type.
    #[error(
        "config field `rope_parameters` is for all layers, but this model has one for each type: give \
         `sliding_attention` and `full_attention`"
    )]
    RopeForAllLayers,

    /// Sizes or options that no model of this type can have.
    #[error("config.json: {reason}")]
    Unsupported {
        /// Which, and what is possible.
        reason: String,
    },
}

impl ConfigError {
    /// The same fault of a config that is the field `outer` of another.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        let join = |path: String| match path.as_str() {
            "." => outer.to_owned(),
            _ => format!("{outer}.{path}"),
        };
        match self {
            Self::Field { path, reason } => Self::Field {
                path: join(path),
                reason,
            },
            Self::MissingSizes { place, missing } => Self::MissingSizes {
                place: join(place),
                missing,
            },
            other => other,
        }
    }
}

/// What sizes are missing where.
fn sizes(path: &str, missing: &[(&'static str, Option<String>)]) -> String {
    let sizes = missing.iter().map(|(size, likely)| match likely {
        Some(likely) => format!("`{size}` (there is a `{likely}`)"),
        None => format!("`{size}`"),
    });
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    let place = place(path);
    format!("{place} has no {sizes}: a model's sizes are not guessed, give them under these names")
}

/// Where in the config a field is.
fn place(path: &str) -> String {
    match path {
        "." => "config".to_owned(),
        path => format!("config field `{path}`"),
    }
}
