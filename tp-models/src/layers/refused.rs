//! What a config may ask for that nothing here does, and transformers would do.

use serde_json::{Map, Value};
use tp_runtime::config::ConfigError;

/// Refuses attention to what comes after a token.
pub(super) fn attention_both_ways(config: &Map<String, Value>) -> Result<(), ConfigError> {
    match config.get("is_causal") {
        None | Some(Value::Bool(true)) => Ok(()),
        Some(other) => {
            let reason = "lets tokens see those after them, and only causal attention is known";
            Err(refused("is_causal", other, reason))
        }
    }
}

/// Refuses layers whose fields are not those of all.
pub(super) fn fields_by_layer(config: &Map<String, Value>) -> Result<(), ConfigError> {
    match config.get("per_layer_config") {
        None | Some(Value::Null) => Ok(()),
        Some(other) => {
            let reason = "gives layers fields of their own, and only layers of one kind are known";
            Err(refused("per_layer_config", other, reason))
        }
    }
}

fn refused(field: &str, value: &Value, reason: &str) -> ConfigError {
    ConfigError::Field {
        path: field.to_owned(),
        reason: format!("{value} {reason}"),
    }
}
