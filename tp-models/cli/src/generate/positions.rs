//! How many positions a model was made for.

use serde_json::Value;

/// What lets a model read more than its `max_position_embeddings`.
const STRETCHED: [&str; 3] = ["linear", "dynamic", "yarn"];

/// The `max_position_embeddings` of a config; `None` where it does not say, or rotary frequencies are stretched beyond.
pub(super) fn positions(config: &Value) -> Option<i64> {
    let config = match &config["text_config"] {
        Value::Object(_) => &config["text_config"],
        _ => config,
    };
    let is_stretched = ["rope_parameters", "rope_scaling"]
        .iter()
        .any(|field| is_stretched(&config[field]));
    config["max_position_embeddings"]
        .as_i64()
        .filter(|_| !is_stretched)
}

/// Whether rotary parameters, or those of one type of layers, are of such a type.
fn is_stretched(rope: &Value) -> bool {
    let own = rope["rope_type"].as_str().or(rope["type"].as_str());
    let mut layers = rope.as_object().into_iter().flatten();
    own.is_some_and(|name| STRETCHED.contains(&name))
        || layers.any(|(_, layer)| layer.is_object() && is_stretched(layer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stretched_frequencies_have_no_such_limit() {
        let with = |rope: Value| {
            positions(&json!({ "max_position_embeddings": 64, "rope_parameters": rope }))
        };
        assert_eq!(with(json!(null)), Some(64));
        assert_eq!(with(json!({ "rope_type": "llama3" })), Some(64));
        assert_eq!(with(json!({ "rope_type": "dynamic" })), None);
        assert_eq!(
            with(json!({ "full_attention": { "type": "linear" } })),
            None
        );
        let inner = json!({ "text_config": { "max_position_embeddings": 32 } });
        assert_eq!(positions(&inner), Some(32));
    }
}
