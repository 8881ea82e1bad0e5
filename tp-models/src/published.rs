//! Published configs as constants, for `assert_shards!`.
//!
//! The sizes are those of each `config.json`; a field that is none is the default of its class.

use crate::layers::DecoderConfig;
use crate::{gemma3, llama, ministral3, phi, phi3, qwen2, qwen3};

/// Llama 3 8B (`meta-llama/Meta-Llama-3-8B`).
pub const LLAMA_3_8B: DecoderConfig = DecoderConfig {
    vocab_size: 128_256,
    intermediate_size: 14_336,
    num_key_value_heads: Some(8),
    norm_eps: 1e-5,
    ..llama::DEFAULTS
};

/// Llama 3 70B (`meta-llama/Meta-Llama-3-70B`).
pub const LLAMA_3_70B: DecoderConfig = DecoderConfig {
    vocab_size: 128_256,
    hidden_size: 8192,
    intermediate_size: 28_672,
    num_hidden_layers: 80,
    num_attention_heads: 64,
    num_key_value_heads: Some(8),
    norm_eps: 1e-5,
    ..llama::DEFAULTS
};

/// Qwen2.5 7B (`Qwen/Qwen2.5-7B`).
pub const QWEN2_5_7B: DecoderConfig = DecoderConfig {
    vocab_size: 152_064,
    hidden_size: 3584,
    intermediate_size: 18_944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: Some(4),
    ..qwen2::DEFAULTS
};

/// Qwen3 8B (`Qwen/Qwen3-8B`).
pub const QWEN3_8B: DecoderConfig = DecoderConfig {
    intermediate_size: 12_288,
    num_hidden_layers: 36,
    num_key_value_heads: Some(8),
    ..qwen3::DEFAULTS
};

/// The decoder of Gemma 3 27B (`google/gemma-3-27b-pt`).
pub const GEMMA_3_27B: DecoderConfig = DecoderConfig {
    hidden_size: 5376,
    intermediate_size: 21_504,
    num_hidden_layers: 62,
    num_attention_heads: 32,
    num_key_value_heads: Some(16),
    head_dim: Some(128),
    ..gemma3::DEFAULTS
};

/// The decoder of Ministral 3 8B (`mistralai/Ministral-3-8B-Base-2512`), which is that of the class.
pub const MINISTRAL_3_8B: DecoderConfig = ministral3::DEFAULTS;

/// Phi-2 (`microsoft/phi-2`).
pub const PHI_2: DecoderConfig = DecoderConfig {
    hidden_size: 2560,
    intermediate_size: 10_240,
    num_hidden_layers: 32,
    num_key_value_heads: Some(32),
    ..phi::DEFAULTS
};

/// Phi-3 mini (`microsoft/Phi-3-mini-4k-instruct`).
pub const PHI_3_MINI: DecoderConfig = DecoderConfig {
    num_key_value_heads: Some(32),
    ..phi3::DEFAULTS
};
