//! `adapter_config.json`, as PEFT writes and reads it.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::targets::ALL_LINEAR;
use super::{LoraConfig, Targets};
use crate::config;
use crate::dropout::Dropout;
use crate::error::LoraError;

/// The name of an adapter's config.
pub(crate) const CONFIG: &str = "adapter_config.json";

/// What is read of it.
#[derive(Deserialize)]
struct File {
    peft_type: String,
    #[serde(default = "eight")]
    r: i64,
    #[serde(default = "eight_wide")]
    lora_alpha: f64,
    #[serde(default)]
    lora_dropout: Dropout,
    target_modules: Option<Names>,
    #[serde(default)]
    modules_to_save: Option<Vec<String>>,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    base_model_name_or_path: Option<String>,
    #[serde(default)]
    init_lora_weights: Value,
    #[serde(flatten)]
    further: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

fn eight() -> i64 {
    LoraConfig::default().rank
}

fn eight_wide() -> f64 {
    LoraConfig::default().alpha
}

/// What changes what an adapter computes and is not done here, with the value that asks for nothing.
const REFUSED: [(&str, &[&str]); 18] = [
    ("use_dora", &[]),
    ("fan_in_fan_out", &[]),
    ("bias", &["none"]),
    ("lora_bias", &[]),
    ("rank_pattern", &[]),
    ("alpha_pattern", &[]),
    ("exclude_modules", &[]),
    ("layers_to_transform", &[]),
    ("layer_replication", &[]),
    ("target_parameters", &[]),
    ("trainable_token_indices", &[]),
    ("alora_invocation_tokens", &[]),
    ("use_qalora", &[]),
    ("use_bdlora", &[]),
    ("arrow_config", &[]),
    ("kasa_config", &[]),
    ("monteclora_config", &[]),
    ("velora_config", &[]),
];

/// Ways to start A and B that leave the model's own weights as they are.
const STARTS: [&str; 3] = ["gaussian", "orthogonal", "eva"];

impl LoraConfig {
    /// The config of the adapter in a folder.
    ///
    /// # Errors
    /// When it is not there, damaged, of no LoRA, or asks for what is not done here.
    pub fn read(dir: &Path) -> Result<Self, LoraError> {
        let path = dir.join(CONFIG);
        let value = config::read(&path).map_err(|error| LoraError::File {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let unfit = |reason: String| LoraError::File {
            path: path.clone(),
            reason,
        };
        let file: File =
            serde_path_to_error::deserialize(&value).map_err(|error| unfit(error.to_string()))?;
        file.check().map_err(unfit)?;
        let config = file.config().map_err(unfit)?;
        config.check()?;
        Ok(config)
    }

    /// The config as a file says it, of a model that does `task`.
    #[cfg(feature = "torch")]
    pub(crate) fn file(&self, task: &str) -> Value {
        let targets = match &self.targets {
            Targets::AllLinear => serde_json::json!(ALL_LINEAR),
            Targets::Names(names) => serde_json::json!(names),
            Targets::Pattern(pattern) => serde_json::json!(pattern),
        };
        let whole = (!self.whole.is_empty()).then_some(&self.whole);
        serde_json::json!({
            "peft_type": "LORA",
            "task_type": task,
            "base_model_name_or_path": self.base,
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "target_modules": targets,
            "modules_to_save": whole,
            "use_rslora": self.rank_stabilized,
            "bias": "none",
            "fan_in_fan_out": false,
            "init_lora_weights": true,
            "inference_mode": true,
        })
    }
}

impl File {
    /// Refuses what would compute something else.
    fn check(&self) -> Result<(), String> {
        if self.peft_type != "LORA" {
            let found = &self.peft_type;
            return Err(format!(
                "`peft_type` is `{found}`, and only `LORA` is done here"
            ));
        }
        let refused = REFUSED.iter().find(|(field, harmless)| {
            let value = self.further.get(*field).unwrap_or(&Value::Null);
            !is_off(value)
                && !value
                    .as_str()
                    .is_some_and(|value| harmless.contains(&value))
        });
        if let Some((field, _)) = refused {
            let value = &self.further[*field];
            return Err(format!("`{field}` is {value}, which is not done here"));
        }
        match &self.init_lora_weights {
            Value::String(start) if !STARTS.contains(&start.as_str()) => Err(format!(
                "`init_lora_weights` is `{start}`, which changes the model's own weights, too: \
                 save the adapter with `path_initial_model_for_weight_conversion`, or merge it with PEFT"
            )),
            _ => Ok(()),
        }
    }

    fn config(self) -> Result<LoraConfig, String> {
        let targets = match self.target_modules {
            Some(Names::One(name)) if name == ALL_LINEAR => Targets::AllLinear,
            Some(Names::One(pattern)) => Targets::Pattern(pattern),
            Some(Names::Several(names)) => Targets::Names(names),
            None => return Err("it has no `target_modules`".to_owned()),
        };
        Ok(LoraConfig {
            rank: self.r,
            alpha: self.lora_alpha,
            dropout: self.lora_dropout,
            targets,
            whole: self.modules_to_save.unwrap_or_default(),
            rank_stabilized: self.use_rslora,
            base: self.base_model_name_or_path,
        })
    }
}

/// Whether a setting asks for nothing.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}
