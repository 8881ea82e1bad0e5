//! Rotary embedding parameters, one form for every spelling of `config.json`.

mod complete;
mod layer_type;
mod scaling;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::ConfigError;
use complete::Source;

/// The rotary embedding of one layer type, as `rope_parameters` of transformers 5 has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeParameters {
    /// The base of the frequencies.
    pub rope_theta: f64,
    /// The fraction of a head's dimensions that is rotated.
    pub partial_rotary_factor: f64,
    /// How frequencies are changed for longer contexts.
    pub scaling: RopeScaling,
    /// Growth of the queries with the position, for a model that reads it.
    pub query_growth: Option<QueryGrowth>,
}

/// Growth of queries with the logarithm of the position, as in Llama 4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryGrowth {
    /// `llama_4_scaling_beta`
    pub beta: f64,
    /// `original_max_position_embeddings`, within which they do not grow.
    pub context: i64,
}

/// How frequencies are changed for longer contexts; the functions are those of transformers'
/// `modeling_rope_utils`.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    Default,
    /// Positions are divided by a factor.
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// The base grows with the text beyond the context (NTK-aware scaling).
    Dynamic {
        /// How much longer texts may be.
        factor: f64,
        /// The context the frequencies were made for.
        max_position_embeddings: i64,
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

/// How much of a head a model's class rotates.
#[derive(Clone, Copy)]
enum Rotated {
    /// All of it, whatever `partial_rotary_factor` says.
    Whole,
    /// What `partial_rotary_factor` says, or this fraction.
    Part(f64),
}

impl RopeParameters {
    /// The parameters of a model whose layers share one rotary embedding, of whole heads.
    ///
    /// `default_theta` is the model's own, for a config that leaves it out.
    ///
    /// # Errors
    /// If a field is missing or unknown, the config has parameters by layer type, or it scales the rotation of
    /// parts of heads.
    pub fn of(config: &Value, default_theta: f64) -> Result<Self, ConfigError> {
        Self::shared(config, default_theta, Rotated::Whole)
    }

    /// The same for a model that rotates a part of each head: `default_part` where the config does not say.
    ///
    /// # Errors
    /// If a field is missing or unknown, or the config has parameters by layer type.
    pub fn of_parts(
        config: &Value,
        default_theta: f64,
        default_part: f64,
    ) -> Result<Self, ConfigError> {
        Self::shared(config, default_theta, Rotated::Part(default_part))
    }

    fn shared(config: &Value, default_theta: f64, rotated: Rotated) -> Result<Self, ConfigError> {
        let (field, rope) = given(config)?;
        if rope.values().any(Value::is_object) {
            return Err(ConfigError::RopeByLayerType { field });
        }
        let source = Source {
            config,
            field: field.to_owned(),
            theta: ("rope_theta", default_theta),
            context: Some("original_max_position_embeddings"),
        };
        source.complete(rope, rotated)
    }
}

/// The field that counts, and what it holds: `rope_scaling`, if it holds anything, comes before
/// `rope_parameters`, as in transformers.
fn given(config: &Value) -> Result<(&'static str, Map<String, Value>), ConfigError> {
    let scaling = object(config, "rope_scaling")?.filter(|rope| !rope.is_empty());
    if let Some(rope) = scaling {
        return Ok(("rope_scaling", rope.clone()));
    }
    let rope = object(config, "rope_parameters")?.cloned();
    Ok(("rope_parameters", rope.unwrap_or_default()))
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
