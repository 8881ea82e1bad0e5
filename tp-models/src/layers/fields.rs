//! The fields of a config, which may be inside another.

use serde_json::{Map, Value};
use tp_runtime::config::{ConfigError, model_type};

use super::refused;

/// Its fields, which are those of all its layers.
///
/// # Errors
/// When it is no config at all, or has others for some layers.
pub(crate) fn fields(config: &Value) -> Result<&Map<String, Value>, ConfigError> {
    let fields = config.as_object().ok_or_else(|| ConfigError::Field {
        path: ".".to_owned(),
        reason: format!("{config} is no config"),
    })?;
    refused::fields_by_layer(fields)?;
    Ok(fields)
}

/// Refuses the config of another type of model than `expected`; one that names none is taken for it.
///
/// # Errors
/// When it names another.
pub(crate) fn of_type(config: &Value, expected: &str) -> Result<(), ConfigError> {
    match model_type(config)? {
        Some(other) if other != expected => Err(ConfigError::Field {
            path: "model_type".to_owned(),
            reason: format!("`{other}` is another model, and only `{expected}` is known here"),
        }),
        _ => Ok(()),
    }
}

/// The config with `name` in place of rotary embeddings that a class calls something else, too.
pub(crate) fn with_rope_type(config: &Value, others: &[&str], name: &str) -> Value {
    let mut config = config.clone();
    for field in ["rope_scaling", "rope_parameters"] {
        for key in ["rope_type", "type"] {
            if let Some(Value::String(given)) = config.pointer_mut(&format!("/{field}/{key}"))
                && others.contains(&given.as_str())
            {
                *given = name.to_owned();
            }
        }
    }
    config
}
