//! Rotary frequencies, from either spelling of the config (Su et al. 2021; transformers `modeling_rope_utils`).

use serde::Deserialize;

/// The rotary fields of a config, as transformers 4.x (`rope_theta` beside `rope_scaling`) and 5.x
/// (`rope_parameters`) write them; flatten it into a model's config.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RopeConfig {
    rope_theta: Option<f64>,
    rope_scaling: Option<RopeFields>,
    rope_parameters: Option<RopeFields>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct RopeFields {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

/// How positions turn into angles.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeParameters {
    /// The base of the geometric series of frequencies.
    pub theta: f64,
    /// What stretches the series for longer contexts.
    pub scaling: RopeScaling,
}

/// How the frequencies are stretched for contexts longer than those trained on.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    Default,
    /// All by one factor.
    Linear {
        /// How many times longer the context is.
        factor: f64,
    },
    /// Long wavelengths by the factor, short ones not, with a ramp between (Llama 3.1).
    Llama3 {
        /// How many times longer the context is.
        factor: f64,
        /// Wavelengths above `original / low_freq_factor` are stretched.
        low_freq_factor: f64,
        /// Wavelengths below `original / high_freq_factor` are not.
        high_freq_factor: f64,
        /// The context trained on, in positions.
        original: f64,
    },
}

/// A rotary field of `config.json` that is missing or not understood.
#[derive(Debug, thiserror::Error)]
pub enum RopeError {
    /// An unknown kind of scaling.
    #[error("unknown `rope_type` `{0}` in config.json: known are `default`, `linear` and `llama3`")]
    UnknownType(String),
    /// A field the scaling needs.
    #[error("`rope_type` `{rope_type}` in config.json needs `{field}`")]
    Missing {
        /// The scaling.
        rope_type: &'static str,
        /// What it lacks.
        field: &'static str,
    },
}

impl RopeConfig {
    /// The parameters, whichever way they are spelled; `theta` where the config names no base.
    ///
    /// # Errors
    /// For an unknown `rope_type`, or one whose fields are incomplete.
    pub fn parameters(&self, theta: f64) -> Result<RopeParameters, RopeError> {
        let empty = RopeFields::default();
        let fields = self
            .rope_parameters
            .as_ref()
            .or(self.rope_scaling.as_ref())
            .unwrap_or(&empty);
        let need = |value: Option<f64>, rope_type, field| {
            value.ok_or(RopeError::Missing { rope_type, field })
        };
        let scaling = match fields.rope_type.as_deref() {
            None | Some("default") => RopeScaling::Default,
            Some("linear") => RopeScaling::Linear {
                factor: need(fields.factor, "linear", "factor")?,
            },
            Some("llama3") => RopeScaling::Llama3 {
                factor: need(fields.factor, "llama3", "factor")?,
                low_freq_factor: need(fields.low_freq_factor, "llama3", "low_freq_factor")?,
                high_freq_factor: need(fields.high_freq_factor, "llama3", "high_freq_factor")?,
                original: need(
                    fields.original_max_position_embeddings,
                    "llama3",
                    "original_max_position_embeddings",
                )?,
            },
            Some(other) => return Err(RopeError::UnknownType(other.to_owned())),
        };
        let theta = fields.rope_theta.or(self.rope_theta).unwrap_or(theta);
        Ok(RopeParameters { theta, scaling })
    }
}

impl RopeParameters {
    /// The angle per position of each pair of features, in radians, computed in f32 as transformers does.
    ///
    /// # Shapes
    /// `[head_dim / 2]`
    pub fn inverse_frequencies(&self, head_dim: i64) -> Vec<f32> {
        (0..head_dim / 2)
            .map(|pair| {
                let exponent = (2 * pair) as f32 / head_dim as f32;
                self.scaling
                    .stretch(1.0 / (self.theta as f32).powf(exponent))
            })
            .collect()
    }
}

impl RopeScaling {
    fn stretch(&self, frequency: f32) -> f32 {
        match *self {
            Self::Default => frequency,
            Self::Linear { factor } => frequency / factor as f32,
            Self::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original,
            } => {
                let wavelength = 2.0 * std::f32::consts::PI / frequency;
                let stretched = frequency / factor as f32;
                if f64::from(wavelength) > original / low_freq_factor {
                    return stretched;
                }
                if f64::from(wavelength) < original / high_freq_factor {
                    return frequency;
                }
                let ramp = (original as f32 / wavelength - low_freq_factor as f32)
                    / (high_freq_factor - low_freq_factor) as f32;
                (1.0 - ramp) * stretched + ramp * frequency
            }
        }
    }
}
