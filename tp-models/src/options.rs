//! Options of a config that several architectures share.

use tp_runtime::config::ConfigError;

/// Whether attention can be computed with these numbers of heads.
///
/// # Errors
/// When query heads do not share key-value heads evenly, or a head cannot be rotated in pairs.
pub(crate) fn check_heads(
    heads: i64,
    key_value_heads: i64,
    head_dim: i64,
) -> Result<(), ConfigError> {
    let reason = if heads < 1 || key_value_heads < 1 || heads % key_value_heads != 0 {
        format!(
            "`num_attention_heads` is {heads}, which is no multiple of `num_key_value_heads`, {key_value_heads}"
        )
    } else if head_dim < 2 || head_dim % 2 != 0 {
        format!("`head_dim` is {head_dim}; rotary positions need an even number of at least 2")
    } else {
        return Ok(());
    };
    Err(ConfigError::Unsupported { reason })
}
