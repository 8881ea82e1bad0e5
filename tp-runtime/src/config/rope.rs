//! Rotary embedding parameters, one form for every spelling of `config.json`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ConfigError, parse};

/// The rotary embedding of one layer type, as `rope_parameters` of transformers 5 has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RopeParameters {
    /// The base of the frequencies.
    pub rope_theta: f64,
    /// The fraction of a head's dimensions that is rotated.
    #[serde(default = "one")]
    pub partial_rotary_factor: f64,
    /// How frequencies are changed for longer contexts.
    #[serde(flatten)]
    pub scaling: RopeScaling,
}

/// How frequencies are changed for longer contexts; the functions are those of transformers'
/// `modeling_rope_utils`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// Not at all.
    Default,
    /// Positions are divided by a factor.
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Low frequencies are divided, high ones kept, those between interpolated.
    Llama3 {
        /// The divisor of low frequencies.
        factor: f64,
        /// Turns within the original context below which a frequency is low.
        low_freq_factor: f64,
        /// Turns within the original context above which a frequency is high.
        high_freq_factor: f64,
        /// The context the frequencies were made for.
        original_max_position_embeddings: i64,
    },
    /// YaRN.
    Yarn(Yarn),
    /// LongRoPE.
    LongRope(LongRope),
}

/// YaRN (Peng et al. 2023, <https://arxiv.org/abs/2309.00071>).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Yarn {
    /// The divisor of low frequencies.
    pub factor: f64,
    /// The context the frequencies were made for.
    pub original_max_position_embeddings: i64,
    /// Turns above which a frequency is kept.
    #[serde(default = "thirty_two")]
    pub beta_fast: f64,
    /// Turns below which a frequency is divided.
    #[serde(default = "one")]
    pub beta_slow: f64,
    /// What cosines and sines are multiplied by, if it does not follow from the factor.
    pub attention_factor: Option<f64>,
    /// Weight of the factor's logarithm in the numerator of the attention factor.
    pub mscale: Option<f64>,
    /// The same in its denominator.
    pub mscale_all_dim: Option<f64>,
    /// Whether the bounds between low and high are rounded to whole dimensions.
    #[serde(default = "yes")]
    pub truncate: bool,
    /// Growth of the queries with the logarithm of the position.
    pub llama_4_scaling_beta: Option<f64>,
}

/// LongRoPE (Ding et al. 2024, <https://arxiv.org/abs/2402.13753>).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LongRope {
    /// The divisor of each frequency within the original context.
    pub short_factor: Vec<f64>,
    /// The divisor of each frequency beyond it.
    pub long_factor: Vec<f64>,
    /// The context the frequencies were made for.
    pub original_max_position_embeddings: i64,
    /// By how much the context was extended.
    pub factor: Option<f64>,
    /// What cosines and sines are multiplied by, if it does not follow from the factor.
    pub attention_factor: Option<f64>,
}

#[derive(Deserialize)]
struct Rope {
    rope_parameters: RopeParameters,
}

/// The lengths of texts that a config states beside its rotary parameters.
#[derive(Deserialize)]
struct Context {
    max_position_embeddings: Option<i64>,
    original_max_position_embeddings: Option<i64>,
}

/// The base of Gemma 3's sliding layers before transformers 5.
#[derive(Deserialize)]
struct LocalBase {
    rope_local_base_freq: Option<f64>,
}

impl RopeParameters {
    /// The parameters of a model whose layers share one rotary embedding.
    ///
    /// `default_theta` is the model's own, for a config that leaves it out.
    ///
    /// # Errors
    /// If a field is missing or unknown, or the config has parameters by layer type.
    pub fn of(config: &Value, default_theta: f64) -> Result<Self, ConfigError> {
        let rope = match object(config, "rope_parameters")? {
            Some(rope) if rope.values().any(Value::is_object) => {
                return Err(ConfigError::RopeByLayerType);
            }
            Some(rope) => rope.clone(),
            None => object(config, "rope_scaling")?.cloned().unwrap_or_default(),
        };
        Self::complete(rope, config, default_theta)
    }

    /// The parameters of the layers of one type, such as `sliding_attention`.
    ///
    /// Before transformers 5 only Gemma 3 had them: `rope_local_base_freq` for its sliding layers,
    /// `rope_theta` and `rope_scaling` for the others.
    ///
    /// # Errors
    /// If a field is missing or unknown, or the config has no parameters for the layer type.
    pub fn of_layer_type(
        config: &Value,
        layer_type: &str,
        default_theta: f64,
    ) -> Result<Self, ConfigError> {
        if let Some(by_type) = object(config, "rope_parameters")? {
            let rope = by_type.get(layer_type).and_then(Value::as_object);
            let rope = rope.ok_or(ConfigError::NoLayerType {
                layer_type: layer_type.to_owned(),
            })?;
            return Self::complete(rope.clone(), config, default_theta);
        }
        if layer_type == "sliding_attention" {
            let local: LocalBase = parse(config)?;
            return Ok(Self {
                rope_theta: local.rope_local_base_freq.unwrap_or(default_theta),
                partial_rotary_factor: 1.0,
                scaling: RopeScaling::Default,
            });
        }
        Self::of(config, default_theta)
    }

    /// Fills in what a spelling leaves to the fields around it.
    fn complete(
        mut rope: Map<String, Value>,
        config: &Value,
        default_theta: f64,
    ) -> Result<Self, ConfigError> {
        rope.retain(|_, value| !value.is_null());
        let name = rope.get("rope_type").or_else(|| rope.get("type"));
        let name = match name.and_then(Value::as_str) {
            None => "default",
            // What Phi-3's first checkpoints call it.
            Some("su") => "longrope",
            Some("yarn") if rope.contains_key("short_factor") => "longrope",
            Some(name) => name,
        };
        rope.insert("rope_type".to_owned(), Value::from(name));
        for field in ["rope_theta", "partial_rotary_factor"] {
            if let (None, Some(value)) = (rope.get(field), config.get(field)) {
                rope.insert(field.to_owned(), value.clone());
            }
        }
        // The config's own context comes before the one beside the factors, as in transformers.
        let context: Context = parse(config)?;
        let maximum = context.max_position_embeddings.map(Value::from);
        let original = context.original_max_position_embeddings.map(Value::from);
        let original = original
            .or_else(|| rope.get("original_max_position_embeddings").cloned())
            .or_else(|| maximum.clone());
        if let Some(original) = original {
            let extended = maximum.and_then(|maximum| maximum.as_f64());
            if !rope.contains_key("factor")
                && let Some((maximum, original)) = extended.zip(original.as_f64())
            {
                rope.insert("factor".to_owned(), Value::from(maximum / original));
            }
            rope.insert("original_max_position_embeddings".to_owned(), original);
        }
        rope.entry("rope_theta")
            .or_insert(Value::from(default_theta));
        // Read from the field it belongs to, so that a fault names that.
        let Rope { rope_parameters } = parse(&json!({ "rope_parameters": rope }))?;
        rope_parameters.scaling.check()?;
        Ok(rope_parameters)
    }
}

impl RopeScaling {
    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Llama3 {
                low_freq_factor: low,
                high_freq_factor: high,
                ..
            } if low >= high => Err(ConfigError::Unsupported {
                reason: format!(
                    "`low_freq_factor` is {low} and `high_freq_factor` {high}: the second has to be greater"
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// The object that a field holds, if it holds anything.
fn object<'a>(
    config: &'a Value,
    field: &str,
) -> Result<Option<&'a Map<String, Value>>, ConfigError> {
    match config.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(ConfigError::Field {
            path: field.to_owned(),
            reason: format!("{other} is no object of rotary parameters"),
        }),
    }
}

fn one() -> f64 {
    1.0
}

fn thirty_two() -> f64 {
    32.0
}

fn yes() -> bool {
    true
}
