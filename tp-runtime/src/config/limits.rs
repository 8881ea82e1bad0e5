//! What the numbers of a config may be, by the names that transformers gives its fields.

use std::fmt;

use serde_json::{Map, Number, Value};

/// The numbers that a field may have.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    least: f64,
    greatest: f64,
    is_whole: bool,
}

/// From tables of names to limits; the first name that fits counts, and `*` stands for any text.
///
/// They are far beyond every published model, and their products fit into 64 bits: layers times the bytes
/// of the widest layer, and rows times columns times bytes of the largest table.
const LIMITS: [(&str, Limits); 34] = [
    ("vocab_size", whole(1, 1 << 24)),
    ("intermediate_size", whole(1, 1 << 24)),
    ("image_size", whole(1, 1 << 16)),
    ("patch_size", whole(1, 1 << 12)),
    ("spatial_merge_size", whole(1, 1 << 6)),
    ("*_size", whole(1, 1 << 20)),
    ("head_dim", whole(1, 1 << 12)),
    ("num_*_layers", whole(1, 1 << 10)),
    ("num_*_heads", whole(1, 1 << 12)),
    ("num_channels", whole(1, 1 << 10)),
    ("num_*", whole(1, 1 << 20)),
    ("mm_tokens_per_image", whole(1, 1 << 20)),
    ("sliding_window_pattern", whole(1, 1 << 12)),
    ("sliding_window", whole(1, 1 << 40)),
    ("max_window_layers", whole(0, 1 << 40)),
    ("max_position_embeddings", whole(1, 1 << 29)),
    // Its logarithm divides.
    ("original_max_position_embeddings", whole(2, 1 << 29)),
    // Where negative, it counts from the end of the vocabulary.
    (PADDING, whole(-(1 << 24), (1 << 24) - 1)),
    ("*_token_id", whole(0, (1 << 24) - 1)),
    ("*_token_index", whole(0, (1 << 24) - 1)),
    // Where negative, it counts from the last layer.
    ("vision_feature_layer", whole(-(1 << 12), 1 << 12)),
    ("*_eps", real(0.0, 1.0)),
    ("rope_theta", real(2.0, 1e15)),
    ("rope_local_base_freq", real(2.0, 1e15)),
    ("partial_rotary_factor", real(1e-3, 1.0)),
    ("*factor", real(1e-9, 1e9)),
    ("beta_*", real(1e-3, 1e6)),
    ("*_beta", real(0.0, 1e6)),
    ("mscale*", real(0.0, 1e6)),
    ("query_pre_attn_scalar", real(1e-3, 1e9)),
    ("*_softcapping", real(1e-3, 1e9)),
    ("*_multiplier", real(1e-6, 1e6)),
    ("*_scaling", real(1e-6, 1e6)),
    ("initializer_range", real(0.0, 1e3)),
];

/// The row of the embedding that stands for no token.
const PADDING: &str = "pad_token_id";

const fn whole(least: i64, greatest: i64) -> Limits {
    Limits {
        least: least as f64,
        greatest: greatest as f64,
        is_whole: true,
    }
}

const fn real(least: f64, greatest: f64) -> Limits {
    Limits {
        least,
        greatest,
        is_whole: false,
    }
}

impl Limits {
    /// Those of every other number: whole ones stay exact as 64-bit floats.
    pub(super) const ANY: Self = real(-9_007_199_254_740_992.0, 9_007_199_254_740_992.0);

    /// Those of the field `name` of a config with these fields; `None` for a name that says nothing.
    pub(super) fn of(name: &str, config: &Map<String, Value>) -> Option<Self> {
        if name == PADDING
            && let Some(rows) = config.get("vocab_size").and_then(Value::as_f64)
        {
            let (least, greatest) = (-rows, rows - 1.0);
            return Some(Self {
                least,
                greatest,
                is_whole: true,
            });
        }
        let named = LIMITS.iter().find(|(pattern, _)| fits(pattern, name));
        named.map(|(_, limits)| *limits)
    }

    /// Whether the field may be `number`.
    pub(super) fn allow(&self, number: &Number) -> bool {
        let value = number.as_f64().unwrap_or(f64::NAN);
        (self.least..=self.greatest).contains(&value) && !(self.is_whole && value.fract() != 0.0)
    }

    /// An allowed number as an integer, where it has to be one.
    pub(super) fn whole(&self, number: &Value) -> Option<i64> {
        let number = number.as_f64().filter(|_| self.is_whole)?;
        Some(number as i64)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_whole {
            "whole number"
        } else {
            "number"
        };
        write!(f, "a {kind} from {} to {}", self.least, self.greatest)
    }
}

/// Whether `name` is `pattern`, in which one `*` may stand for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, end)) => name
            .strip_prefix(start)
            .is_some_and(|rest| rest.ends_with(end)),
    }
}
