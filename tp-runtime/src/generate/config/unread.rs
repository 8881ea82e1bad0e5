//! Settings that nothing here carries out.

use serde_json::Value;

use super::GenerationConfig;

/// They change no token: caches, outputs, compilation, and what only other settings look at.
const WITHOUT_EFFECT: [&str; 34] = [
    "_commit_hash",
    "_from_model_config",
    "assistant_confidence_threshold",
    "assistant_lookbehind",
    "bos_token_id",
    "cache_config",
    "cache_implementation",
    "compile_config",
    "continuous_batching_config",
    "decoder_start_token_id",
    "disable_compile",
    "diversity_penalty",
    "early_stopping",
    "is_assistant",
    "length_penalty",
    "low_memory",
    "max_cache_len",
    "max_matching_ngram_size",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "output_attentions",
    "output_hidden_states",
    "output_logits",
    "output_scores",
    "pad_token_id",
    "prefill_chunk_size",
    "prompt_lookup_num_tokens",
    "renormalize_logits",
    "return_dict_in_generate",
    "return_legacy_cache",
    "speculation_type",
    "target_lookbehind",
    "transformers_version",
    "use_cache",
];

/// What these are where they do nothing.
const OFF: [(&str, i64); 5] = [
    ("guidance_scale", 1),
    ("num_beam_groups", 1),
    ("num_beams", 1),
    ("num_return_sequences", 1),
    ("penalty_alpha", 0),
];

impl GenerationConfig {
    /// Settings that ask for something that [`generate`](super::super::generate) does not do, as `name: value`.
    pub fn unread(&self) -> Vec<String> {
        let others = self.others.iter();
        let asked = others.filter(|(name, value)| !is_off(name, value));
        asked
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }
}

fn is_off(name: &str, value: &Value) -> bool {
    let off = OFF.iter().find(|(with_value, _)| *with_value == name);
    match off {
        Some((_, off)) => value.is_null() || value.as_f64() == Some(*off as f64),
        None => WITHOUT_EFFECT.contains(&name) || matches!(value, Value::Null | Value::Bool(false)),
    }
}
