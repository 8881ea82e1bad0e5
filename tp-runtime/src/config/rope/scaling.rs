//! What each type of rotary embedding reads.

use serde_json::{Map, Value};
use tp_plan::words::All;

use super::RopeScaling;
use super::complete::Source;
use crate::config::ConfigError;

const KNOWN: [&str; 6] = ["default", "linear", "dynamic", "llama3", "yarn", "longrope"];

impl Source<'_> {
    /// The scaling of a type, of whose parameters `rope` has all that there are.
    pub(super) fn scaling(
        &self,
        rope_type: &str,
        rope: &Map<String, Value>,
    ) -> Result<RopeScaling, ConfigError> {
        let original = "original_max_position_embeddings";
        Ok(match rope_type {
            "default" => RopeScaling::Default,
            "linear" => RopeScaling::Linear {
                factor: self.required(rope, "factor")?,
            },
            "dynamic" => RopeScaling::Dynamic {
                factor: self.required(rope, "factor")?,
                max_position_embeddings: self.required(rope, "max_position_embeddings")?,
            },
            "llama3" => {
                let (low, high) = ("low_freq_factor", "high_freq_factor");
                let (low_freq_factor, high_freq_factor) =
                    (self.required(rope, low)?, self.required(rope, high)?);
                if low_freq_factor >= high_freq_factor {
                    let reason = format!(
                        "{high_freq_factor} has to be greater than `{low}`, which is {low_freq_factor}"
                    );
                    return Err(self.fault(high, reason));
                }
                RopeScaling::Llama3 {
                    factor: self.required(rope, "factor")?,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_position_embeddings: self.required(rope, original)?,
                }
            }
            "yarn" => RopeScaling::Yarn(self.parse(rope)?),
            "longrope" => RopeScaling::LongRope(self.parse(rope)?),
            other => {
                let reason = format!("`{other}` is not known, only {}", All(&KNOWN));
                return Err(self.fault("rope_type", reason));
            }
        })
    }
}
