//! The sizes that a config has to give.

use serde_json::{Map, Value};
use tp_runtime::config::ConfigError;
use tp_runtime::plan::nearest::nearest;

/// A size, and names that other configs have for it.
type Size = (&'static str, &'static [&'static str]);

/// What tells one decoder of a family from another.
pub(super) const DECODER: [Size; 5] = [
    TOWER[0],
    TOWER[1],
    TOWER[2],
    TOWER[3],
    ("vocab_size", &["n_vocab", "padded_vocab_size"]),
];

/// The same of a vision tower.
pub(crate) const TOWER: [Size; 4] = [
    ("hidden_size", &["n_embd", "d_model", "dim", "hidden_dim"]),
    (
        "intermediate_size",
        &["n_inner", "ffn_dim", "d_ff", "ffn_hidden_size"],
    ),
    ("num_hidden_layers", &["n_layer", "n_layers", "num_layers"]),
    ("num_attention_heads", &["n_head", "n_heads", "num_heads"]),
];

/// Refuses a config that leaves one of these sizes to the default of its class.
pub(super) fn require(sizes: &[Size], config: &Map<String, Value>) -> Result<(), ConfigError> {
    let is_absent = |size: &&Size| !config.contains_key(size.0);
    let absent = sizes.iter().filter(is_absent);
    refuse(absent.map(|size| (size.0, likely(config, size))).collect())
}

/// The same of a config inside another.
///
/// Transformers writes every field of a config, but of one inside another only what differs from its class, and its
/// `model_type`. So one that names it may leave out a size, unless that stands there under another name.
pub(crate) fn require_inner(
    sizes: &[Size],
    config: &Map<String, Value>,
) -> Result<(), ConfigError> {
    if !config.contains_key("model_type") {
        return require(sizes, config);
    }
    let is_absent = |size: &&Size| !config.contains_key(size.0);
    let absent = sizes.iter().filter(is_absent);
    let renamed = absent.filter_map(|size| Some((size.0, Some(likely(config, size)?))));
    refuse(renamed.collect())
}

fn refuse(missing: Vec<(&'static str, Option<String>)>) -> Result<(), ConfigError> {
    let place = ".".to_owned();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(ConfigError::MissingSizes { place, missing }),
    }
}

/// The field of a config that is likely a size under another name.
fn likely(config: &Map<String, Value>, (size, others): &Size) -> Option<String> {
    let is_size = |name: &str| DECODER.iter().any(|(size, _)| *size == name);
    let numbers = config.iter().filter(|(_, value)| value.is_number());
    let names = numbers.map(|(name, _)| name.as_str());
    let known = others
        .iter()
        .copied()
        .find(|other| config.contains_key(*other));
    let near = || nearest(size, names.filter(|name| !is_size(name)));
    known.or_else(near).map(str::to_owned)
}
