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
pub use rope::{LongRope, QueryGrowth, RopeParameters, RopeScaling, Yarn};

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

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

/// The first of `architectures`, if the config has any: the name of the model's type.
///
/// # Errors
/// If the field is no list of names.
pub fn architecture(config: &Value) -> Result<Option<&str>, ConfigError> {
    match &config["architectures"] {
        Value::Null => Ok(None),
        Value::Array(names) if names.is_empty() => Ok(None),
        names => match names[0].as_str() {
            Some(name) => Ok(Some(name)),
            None => Err(ConfigError::Field {
                path: "architectures".to_owned(),
                reason: format!("{names} is no list of names"),
            }),
        },
    }
}

/// What the config calls the kind of model it is of, if it does.
///
/// # Errors
/// If it is no name.
pub fn model_type(config: &Value) -> Result<Option<&str>, ConfigError> {
    match &config["model_type"] {
        Value::Null => Ok(None),
        Value::String(name) => Ok(Some(name)),
        other => Err(ConfigError::Field {
            path: "model_type".to_owned(),
            reason: format!("{other} is no name"),
        }),
    }
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

/// Reads one field, whose number is compared with its limits as [`parse`] does; `None` where it is absent.
///
/// # Errors
/// If it is of another type, null included, or out of its limits.
pub fn field<T: DeserializeOwned>(config: &Value, name: &str) -> Result<Option<T>, ConfigError> {
    match config {
        Value::Object(fields) => field_of(fields, name),
        _ => Ok(None),
    }
}

/// The same of the fields of an object.
pub(crate) fn field_of<T: DeserializeOwned>(
    fields: &Map<String, Value>,
    name: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = fields.get(name) else {
        return Ok(None);
    };
    let read = serde_path_to_error::deserialize(Checked::field(fields, name, value));
    let read = read.map_err(|error| ConfigError::Field {
        path: error.path().to_string(),
        reason: error.inner().to_string(),
    });
    read.map(Some).map_err(|error| error.within(name))
}
