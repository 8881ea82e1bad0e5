//! How a checkpoint's weights are quantized: `quantization_config`, and modelopt's file beside `config.json`.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{ConfigError, object};

/// The file in which NVIDIA's modelopt describes what it quantized.
pub(crate) const MODELOPT: &str = "hf_quant_config.json";

/// What describes quantized weights in a config; the second is an older name of compressed-tensors.
const FIELDS: [&str; 2] = ["quantization_config", "compression_config"];

/// The config inside a config that may hold one of them.
const INNER: &str = "text_config";

/// The length of no dimension of a weight.
const LONGEST: i64 = 1 << 24;

/// Weights that are stored as 8-bit floats, each with scales that it is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fp8 {
    /// Rows and columns that share a scale, where the config says.
    pub block: Option<[i64; 2]>,
}

impl Fp8 {
    /// What the config says of its weights: `None` where it says nothing.
    ///
    /// # Errors
    /// If the weights are quantized in another way.
    pub fn of(config: &Value) -> Result<Option<Self>, ConfigError> {
        let Some(described) = description(config) else {
            return Ok(None);
        };
        let block = match method(described) {
            "fp8" => match described.get("weight_block_size") {
                // The default of transformers' `FineGrainedFP8Config`.
                None => Some([128, 128]),
                Some(Value::Null) => None,
                Some(size) => Some(block("weight_block_size", size)?),
            },
            "fbgemm_fp8" => None,
            "compressed-tensors" => compressed_tensors(described)?,
            "modelopt" => modelopt(described)?,
            other => return Err(refused(other)),
        };
        Ok(Some(Self { block }))
    }
}

/// Takes out of a config, and of the text model's in it, what it says of quantized weights.
#[cfg(any(feature = "torch", test))]
pub(crate) fn remove_quantization(config: &mut Value) {
    if let Value::Object(fields) = config {
        fields.retain(|name, _| !FIELDS.contains(&name.as_str()));
    }
    if let Some(inner) = config.get_mut(INNER) {
        remove_quantization(inner);
    }
}

/// Adds what modelopt's file in `folder` says to a config that says nothing itself.
pub(super) fn with_modelopt(mut config: Value, folder: &Path) -> Result<Value, ConfigError> {
    let path = folder.join(MODELOPT);
    if description(&config).is_some() {
        return Ok(config);
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mut described = object(&path, &text)?;
            described["quant_method"] = json!("modelopt");
            config[FIELDS[0]] = described;
            Ok(config)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(config),
        Err(source) => Err(ConfigError::Io { path, source }),
    }
}

/// What a config, or the text model's inside it, says of quantized weights.
fn description(config: &Value) -> Option<&Map<String, Value>> {
    [config, &config[INNER]]
        .into_iter()
        .flat_map(|config| FIELDS.iter().map(|field| &config[*field]))
        .find_map(Value::as_object)
}

/// The method's name; bitsandbytes has not always written it.
fn method(described: &Map<String, Value>) -> &str {
    let is_set = |flag: &&str| described.get(*flag) == Some(&Value::Bool(true));
    match described.get("quant_method").and_then(Value::as_str) {
        Some(method) => method,
        None if ["load_in_8bit", "load_in_4bit"].iter().any(is_set) => "bitsandbytes",
        None => "an unnamed method",
    }
}

/// The block that all groups of layers share, if they have blocks and all are stored as 8-bit floats.
fn compressed_tensors(described: &Map<String, Value>) -> Result<Option<[i64; 2]>, ConfigError> {
    let sparse = &described.get("sparsity_config").unwrap_or(&Value::Null)["format"];
    if let Some(format) = sparse.as_str().filter(|&format| format != "dense") {
        return Err(refused(&format!("compressed-tensors ({format})")));
    }
    let groups = described.get("config_groups").and_then(Value::as_object);
    let mut shared = None;
    for weights in groups
        .into_iter()
        .flat_map(Map::values)
        .map(|group| &group["weights"])
    {
        if (weights["type"].as_str(), weights["num_bits"].as_i64()) != (Some("float"), Some(8)) {
            let (kind, bits) = (
                weights["type"].as_str().unwrap_or("int"),
                &weights["num_bits"],
            );
            return Err(refused(&format!(
                "compressed-tensors ({kind}, {bits} bits)"
            )));
        }
        let own = match &weights["block_structure"] {
            Value::Null => None,
            size => Some(block("config_groups.*.weights.block_structure", size)?),
        };
        if *shared.get_or_insert(own) != own {
            return Err(refused("compressed-tensors (blocks of several sizes)"));
        }
    }
    Ok(shared.flatten())
}

/// Modelopt's algorithm stands at the top in `config.json`, and one level down in its own file.
fn modelopt(described: &Map<String, Value>) -> Result<Option<[i64; 2]>, ConfigError> {
    let inner = described.get("quantization").and_then(Value::as_object);
    match inner
        .unwrap_or(described)
        .get("quant_algo")
        .unwrap_or(&Value::Null)
    {
        Value::String(algorithm)
            if !["FP8", "FP8_PER_CHANNEL_PER_TOKEN"].contains(&algorithm.as_str()) =>
        {
            Err(refused(&format!("modelopt ({algorithm})")))
        }
        // Without an algorithm the cache alone is quantized, which a run decides for itself.
        _ => Ok(None),
    }
}

/// The rows and columns of a block, which `field` gives.
fn block(field: &str, size: &Value) -> Result<[i64; 2], ConfigError> {
    match serde_json::from_value::<[i64; 2]>(size.clone()) {
        Ok(block) if block.iter().all(|length| (1..=LONGEST).contains(length)) => Ok(block),
        _ => Err(ConfigError::Field {
            path: format!("{}.{field}", FIELDS[0]),
            reason: format!("{size} is not the size of a block: two whole numbers, 1 to {LONGEST}"),
        }),
    }
}

fn refused(method: &str) -> ConfigError {
    let method = method.to_owned();
    ConfigError::Quantization { method }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(described: Value) -> Result<Option<Fp8>, String> {
        Fp8::of(&json!({ "quantization_config": described })).map_err(|error| error.to_string())
    }

    fn group(weights: Value) -> Value {
        json!({ "quant_method": "compressed-tensors", "config_groups": { "group_0": { "weights": weights } } })
    }

    #[test]
    fn every_spelling_of_fp8_is_known() {
        let whole = Ok(Some(Fp8 { block: None }));
        let blocks = Ok(Some(Fp8 {
            block: Some([128, 128]),
        }));
        for (described, expected) in [
            (
                json!({ "quant_method": "fp8", "weight_block_size": null, "activation_scheme": "static" }),
                &whole,
            ),
            (
                json!({ "quant_method": "fp8", "weight_block_size": [128, 128], "fmt": "e4m3" }),
                &blocks,
            ),
            (json!({ "quant_method": "fp8" }), &blocks),
            (
                json!({ "quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0 }),
                &whole,
            ),
            (
                group(json!({ "type": "float", "num_bits": 8, "strategy": "channel" })),
                &whole,
            ),
            (
                group(json!({ "type": "float", "num_bits": 8, "block_structure": [128, 128] })),
                &blocks,
            ),
            (
                json!({ "quant_method": "compressed-tensors", "kv_cache_scheme": {} }),
                &whole,
            ),
            (
                json!({ "quant_method": "modelopt", "quant_algo": "FP8" }),
                &whole,
            ),
            (
                json!({ "quant_method": "modelopt", "quantization": { "quant_algo": "FP8" } }),
                &whole,
            ),
            (Value::Null, &Ok(None)),
        ] {
            assert_eq!(&of(described.clone()), expected, "{described}");
            let mut nested = json!({ "text_config": { "quantization_config": described } });
            assert_eq!(
                &Fp8::of(&nested).map_err(|error| error.to_string()),
                expected
            );
            remove_quantization(&mut nested);
            assert_eq!(nested, json!({ "text_config": {} }));
        }
    }

    #[test]
    fn every_other_method_is_refused_by_name() {
        for (described, name) in [
            (json!({ "quant_method": "gptq", "bits": 4 }), "gptq"),
            (json!({ "quant_method": "mxfp4" }), "mxfp4"),
            (json!({ "load_in_4bit": true }), "bitsandbytes"),
            (json!({}), "an unnamed method"),
            (
                group(json!({ "type": "int", "num_bits": 4 })),
                "compressed-tensors (int, 4 bits)",
            ),
            (
                json!({ "quant_method": "modelopt", "quant_algo": "NVFP4" }),
                "modelopt (NVFP4)",
            ),
            (
                json!({ "quant_method": "compressed-tensors", "sparsity_config": { "format": "sparse-24" } }),
                "compressed-tensors (sparse-24)",
            ),
        ] {
            let message = of(described).unwrap_err();
            assert!(
                message.contains(&format!("quantized with {name}:")),
                "{message}"
            );
        }
        let message =
            of(json!({ "quant_method": "fp8", "weight_block_size": [128, 0] })).unwrap_err();
        assert!(
            message.contains(
                "`quantization_config.weight_block_size`: [128,0] is not the size of a block"
            ),
            "{message}"
        );
    }
}
