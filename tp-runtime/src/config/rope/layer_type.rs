//! Rotary parameters by layer type, as Gemma 3 has them.

use serde_json::{Map, Value, json};

use super::complete::Source;
use super::{RopeParameters, Rotated, object};
use crate::config::ConfigError;

impl RopeParameters {
    /// The parameters of the layers of one type, such as `sliding_attention`.
    ///
    /// Before transformers 5 only Gemma 3 had them: `rope_local_base_freq` for its sliding layers,
    /// `rope_theta` and `rope_scaling` for the others.
    ///
    /// # Errors
    /// If a field is missing or unknown, or the config has one set of parameters for all layers.
    pub fn of_layer_type(
        config: &Value,
        layer_type: &str,
        default_theta: f64,
    ) -> Result<Self, ConfigError> {
        let by_type = object(config, "rope_parameters")?;
        if let Some(by_type) = by_type
            && by_type
                .values()
                .any(|rope| !(rope.is_object() || rope.is_null()))
        {
            return Err(ConfigError::RopeForAllLayers);
        }
        let own = by_type.and_then(|by_type| by_type.get(layer_type)?.as_object());
        let mut rope = own.cloned().unwrap_or_else(plain);
        let mut field = format!("rope_parameters.{layer_type}");
        let theta = match layer_type {
            "sliding_attention" => "rope_local_base_freq",
            _ => "rope_theta",
        };
        if layer_type == "full_attention"
            && let Some(scaling) = object(config, "rope_scaling")?
        {
            field = "rope_scaling".to_owned();
            if scaling.values().any(Value::is_object) {
                return Err(ConfigError::RopeByLayerType {
                    field: "rope_scaling",
                });
            }
            // A type that is spelled `type` does not count then, as in transformers.
            rope.extend(scaling.clone());
        }
        // Transformers looks for it beside the layer types, where it cannot stand.
        rope.remove("truncate");
        let source = Source {
            config,
            field,
            theta: (theta, default_theta),
            context: None,
        };
        source.complete(rope, Rotated::Whole)
    }
}

fn plain() -> Map<String, Value> {
    Map::from_iter([("rope_type".to_owned(), json!("default"))])
}
