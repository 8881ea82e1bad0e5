//! `config.json`: what a checkpoint says of its model, in the spelling of transformers 4 and of 5.

mod checked;
mod git_lfs;
mod limits;
mod quantization;
mod rope;

pub use crate::error::ConfigError;
pub(crate) use git_lfs::require_content;
pub use git_lfs::require_pulled;
pub use quantization::Fp8;
#[cfg(feature = "torch")]
pub(crate) use quantization::{MODELOPT, remove_quantization};
pub use rope::{LongRope, RopeParameters, RopeScaling, Yarn};

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use checked::Checked;

/// Reads a `config.json`, and what the `hf_quant_config.json` of NVIDIA's modelopt beside it adds.
///
/// # Errors
/// If a file cannot be read or holds no JSON object.
pub fn read(path: &Path) -> Result<Value, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io {
        path: path.to_owned(),
        source,
    })?;
    from_text(path, &text)
}

/// Reads the text of a `config.json`, which lies at `path`.
pub(crate) fn from_text(path: &Path, text: &str) -> Result<Value, ConfigError> {
    let config = object(path, text)?;
    match path.parent() {
        Some(folder) if path.ends_with("config.json") => {
            quantization::with_modelopt(config, folder)
        }
        _ => Ok(config),
    }
}

/// The object that a file holds, given its text.
fn object(path: &Path, text: &str) -> Result<Value, ConfigError> {
    require_content(path, text.as_bytes())?;
    match serde_json::from_str(text) {
        Ok(config @ Value::Object(_)) => Ok(config),
        Ok(_) => Err(ConfigError::NoObject {
            path: path.to_owned(),
        }),
        Err(source) => Err(ConfigError::Json {
            path: path.to_owned(),
            source,
        }),
    }
}

/// The name of the model type, the first of `architectures`.
///
/// # Errors
/// If the config names none.
pub fn architecture(config: &Value) -> Result<&str, ConfigError> {
    config["architectures"][0]
        .as_str()
        .ok_or(ConfigError::NoArchitecture)
}

/// Reads the fields of `config` that `T` declares, those of a crate's own model included.
///
/// A number has to be one that a field of its name can hold: sizes, counts and ids are whole and of a size
/// that some model may have one day, factors are not 0, and so on.
///
/// # Errors
/// If a field is missing, of another type or out of its limits, with the field's path.
pub fn parse<T: DeserializeOwned>(config: &Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(Checked::Config(config)).map_err(|error| ConfigError::Field {
        path: error.path().to_string(),
        reason: error.inner().to_string(),
    })
}
