//! Rotary frequencies (Su et al. 2021; transformers `modeling_rope_utils`).

use crate::config::{ConfigError, RopeParameters, RopeScaling};

/// The angle per position of each pair of features, in radians, computed in f32 as transformers does.
///
/// # Shapes
/// `[head_dim / 2]`
pub(super) fn inverse_frequencies(
    rope: &RopeParameters,
    head_dim: i64,
) -> Result<Vec<f32>, ConfigError> {
    let stretch: &dyn Fn(f32) -> f32 = match rope.scaling {
        RopeScaling::Default => &|frequency| frequency,
        RopeScaling::Linear { factor } => &move |frequency| frequency / factor as f32,
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_max_position_embeddings,
        } => &move |frequency| {
            let wavelength = 2.0 * std::f32::consts::PI / frequency;
            let turns = original_max_position_embeddings as f32 / wavelength;
            // Long wavelengths are stretched, short ones kept, with a ramp between.
            let ramp =
                (turns - low_freq_factor as f32) / (high_freq_factor - low_freq_factor) as f32;
            let kept = ramp.clamp(0.0, 1.0);
            (1.0 - kept) * (frequency / factor as f32) + kept * frequency
        },
        RopeScaling::Yarn { .. } => return Err(unsupported("yarn")),
        RopeScaling::LongRope { .. } => return Err(unsupported("longrope")),
    };
    let frequency = |pair| {
        let exponent = (2 * pair) as f32 / head_dim as f32;
        1.0 / (rope.rope_theta as f32).powf(exponent)
    };
    Ok((0..head_dim / 2)
        .map(|pair| stretch(frequency(pair)))
        .collect())
}

fn unsupported(rope_type: &str) -> ConfigError {
    ConfigError::Unsupported {
        reason: format!("rotary scaling `{rope_type}`; known are `default`, `linear`, `llama3`"),
    }
}
