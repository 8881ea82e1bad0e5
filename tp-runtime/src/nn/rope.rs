//! Rotary frequencies (Su et al. 2021; transformers `modeling_rope_utils`).

use std::borrow::Cow;
use std::f32::consts::TAU;

use crate::config::{ConfigError, RopeParameters, RopeScaling};

/// The angle per position of each rotated pair of features, in radians, computed in f32 as transformers does.
pub(super) struct Frequencies {
    /// `[pairs]`
    inverse: Vec<f32>,
    /// What holds beyond a length.
    beyond: Option<(i64, Beyond)>,
    /// What cosines and sines are multiplied by.
    pub(super) attention_factor: f64,
}

/// The frequencies of long texts.
enum Beyond {
    /// The same for all of them.
    Fixed(Vec<f32>),
    /// Those of a base that grows with the length.
    Growing { theta: f64, width: i64, factor: f64 },
}

impl Frequencies {
    /// The frequencies of `width` rotated features.
    ///
    /// # Errors
    /// When the config gives another number of factors than there are pairs.
    pub(super) fn new(rope: &RopeParameters, width: i64) -> Result<Self, ConfigError> {
        let plain = powers(rope.rope_theta as f32, width);
        let mut attention_factor = 1.0;
        let mut beyond = None;
        let inverse = match &rope.scaling {
            RopeScaling::Default => plain,
            RopeScaling::Linear { factor } => each(&plain, |frequency| frequency / *factor as f32),
            RopeScaling::Dynamic {
                factor,
                max_position_embeddings: limit,
            } => {
                if width < 4 {
                    let reason =
                        "dynamic rotary embeddings need at least 4 rotated features of a head";
                    let reason = reason.to_owned();
                    return Err(ConfigError::Unsupported { reason });
                }
                let (theta, factor) = (rope.rope_theta, *factor);
                let growing = Beyond::Growing {
                    theta,
                    width,
                    factor,
                };
                beyond = Some((*limit, growing));
                plain
            }
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => each(&plain, |frequency| {
                let turns = *original_max_position_embeddings as f32 * frequency / TAU;
                // Long wavelengths are stretched, short ones kept, with a ramp between.
                let width = (high_freq_factor - low_freq_factor) as f32;
                let kept = ((turns - *low_freq_factor as f32) / width).clamp(0.0, 1.0);
                (1.0 - kept) * (frequency / *factor as f32) + kept * frequency
            }),
            RopeScaling::Yarn(yarn) => {
                attention_factor = yarn.attention_factor();
                yarn.stretch(&plain, rope.rope_theta, width)
            }
            RopeScaling::LongRope(long) => {
                attention_factor = long.attention_factor();
                let limit = long.original_max_position_embeddings;
                let divided = divide(&plain, &long.long_factor, "long_factor")?;
                beyond = Some((limit, Beyond::Fixed(divided)));
                divide(&plain, &long.short_factor, "short_factor")?
            }
        };
        Ok(Self {
            inverse,
            beyond,
            attention_factor,
        })
    }

    /// The frequencies for a text of `length` positions.
    pub(super) fn for_length(&self, length: i64) -> Cow<'_, [f32]> {
        match &self.beyond {
            Some((limit, beyond)) if length > *limit => beyond.for_length(*limit, length),
            _ => Cow::Borrowed(&self.inverse),
        }
    }

    /// Whether long texts have other frequencies than short ones.
    pub(super) fn go_by_length(&self) -> bool {
        self.beyond.is_some()
    }

    /// Whether other frequencies hold for `longer` positions than for `length`.
    pub(super) fn change_between(&self, length: i64, longer: i64) -> bool {
        match &self.beyond {
            None => false,
            Some((limit, Beyond::Fixed(_))) => length <= *limit && longer > *limit,
            Some((limit, Beyond::Growing { .. })) => longer > *limit.max(&length),
        }
    }
}

impl Beyond {
    fn for_length(&self, limit: i64, length: i64) -> Cow<'_, [f32]> {
        match self {
            Self::Fixed(frequencies) => Cow::Borrowed(frequencies),
            Self::Growing {
                theta,
                width,
                factor,
            } => {
                let stretched = *factor as f32 * length as f32 / limit as f32;
                let growth = stretched - (factor - 1.0) as f32;
                let exponent = *width as f64 / (width - 2) as f64;
                let base = *theta as f32 * growth.powf(exponent as f32);
                Cow::Owned(powers(base, *width))
            }
        }
    }
}

/// The inverse powers of `base` for each pair of `width` features.
fn powers(base: f32, width: i64) -> Vec<f32> {
    let power = |pair| 1.0 / base.powf((2 * pair) as f32 / width as f32);
    (0..width / 2).map(power).collect()
}

fn each(frequencies: &[f32], change: impl Fn(f32) -> f32) -> Vec<f32> {
    frequencies
        .iter()
        .map(|frequency| change(*frequency))
        .collect()
}

fn divide(frequencies: &[f32], factors: &[f64], field: &str) -> Result<Vec<f32>, ConfigError> {
    let (found, pairs) = (factors.len(), frequencies.len());
    if found != pairs {
        let reason =
            format!("`{field}` has {found} numbers, and {pairs} pairs of features are rotated");
        return Err(ConfigError::Unsupported { reason });
    }
    let pairs = frequencies.iter().zip(factors);
    Ok(pairs
        .map(|(frequency, factor)| frequency / *factor as f32)
        .collect())
}

impl crate::config::Yarn {
    /// Frequencies of few turns within the original context divided by the factor, those of many kept.
    fn stretch(&self, plain: &[f32], theta: f64, width: i64) -> Vec<f32> {
        let context = self.original_max_position_embeddings as f64;
        let dimension = |turns: f64| {
            width as f64 * (context / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln())
        };
        let (mut low, mut high) = (dimension(self.beta_fast), dimension(self.beta_slow));
        if self.truncate {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min((width - 1) as f64));
        if low == high {
            // The step transformers takes to divide by something.
            high += 0.001;
        }
        let stretched = |(pair, frequency): (usize, &f32)| {
            let divided = ((pair as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
            frequency / self.factor as f32 * divided + frequency * (1.0 - divided)
        };
        plain.iter().enumerate().map(stretched).collect()
    }

    fn attention_factor(&self) -> f64 {
        let scale = |weight: f64| match self.factor > 1.0 {
            true => 0.1 * weight * self.factor.ln() + 1.0,
            false => 1.0,
        };
        let inferred = || match (self.mscale, self.mscale_all_dim) {
            (Some(mscale), Some(all)) if mscale != 0.0 && all != 0.0 => scale(mscale) / scale(all),
            _ => scale(1.0),
        };
        self.attention_factor.unwrap_or_else(inferred)
    }
}

impl crate::config::LongRope {
    fn attention_factor(&self) -> f64 {
        let context = self.original_max_position_embeddings as f64;
        let inferred = || match self.factor {
            Some(factor) if factor > 1.0 => (1.0 + factor.ln() / context.ln()).sqrt(),
            _ => 1.0,
        };
        self.attention_factor.unwrap_or_else(inferred)
    }
}
