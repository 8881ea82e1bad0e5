//! What a config may ask for that no decoder here does, and transformers would do.

use serde_json::{Map, Value};
use tp_runtime::config::ConfigError;

/// A field, whether a value of it asks for nothing, and what it asks for otherwise.
type Refused = (&'static str, fn(&Value) -> bool, &'static str);

const REFUSED: [Refused; 2] = [
    (
        "is_causal",
        |value| *value == true,
        "lets tokens see those after them, and only causal attention is known",
    ),
    (
        "per_layer_config",
        |value| value.is_null(),
        "gives layers sizes of their own, and only layers of one size are known",
    ),
];

/// Refuses a config that asks for one of these.
pub(super) fn check(config: &Map<String, Value>) -> Result<(), ConfigError> {
    for (field, is_harmless, why) in REFUSED {
        if let Some(value) = config.get(field)
            && !is_harmless(value)
        {
            return Err(ConfigError::Field {
                path: field.to_owned(),
                reason: format!("{value} {why}"),
            });
        }
    }
    Ok(())
}
