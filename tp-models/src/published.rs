//! Published configs as constants, for `assert_shards!`.
//!
//! The sizes are those of each `config.json`; a field that is none is the default of its class.

use crate::gemma3::Gemma3TextConfig;
use crate::llama::LlamaConfig;
use crate::ministral3::Ministral3Config;
use crate::phi::PhiConfig;
use crate::phi3::Phi3Config;
use crate::qwen2::Qwen2Config;
use crate::qwen3::Qwen3Config;
use tp_runtime::nn::Activation;

/// Llama 3 8B (`meta-llama/Meta-Llama-3-8B`).
pub const LLAMA_3_8B: LlamaConfig = LlamaConfig {
    vocab_size: 128_256,
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: Some(8),
    head_dim: None,
    rms_norm_eps: 1e-5,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: false,
    pad_token_id: None,
    hidden_act: Activation::Silu,
};

/// Llama 3 70B (`meta-llama/Meta-Llama-3-70B`).
pub const LLAMA_3_70B: LlamaConfig = LlamaConfig {
    vocab_size: 128_256,
    hidden_size: 8192,
    intermediate_size: 28_672,
    num_hidden_layers: 80,
    num_attention_heads: 64,
    num_key_value_heads: Some(8),
    head_dim: None,
    rms_norm_eps: 1e-5,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: false,
    pad_token_id: None,
    hidden_act: Activation::Silu,
};

/// Qwen2.5 7B (`Qwen/Qwen2.5-7B`).
pub const QWEN2_5_7B: Qwen2Config = Qwen2Config {
    vocab_size: 152_064,
    hidden_size: 3584,
    intermediate_size: 18_944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: Some(4),
    head_dim: None,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
    pad_token_id: None,
    hidden_act: Activation::Silu,
    use_sliding_window: false,
    sliding_window: Some(4096),
    max_window_layers: 28,
    layer_types: None,
};

/// Qwen3 8B (`Qwen/Qwen3-8B`).
pub const QWEN3_8B: Qwen3Config = Qwen3Config {
    vocab_size: 151_936,
    hidden_size: 4096,
    intermediate_size: 12_288,
    num_hidden_layers: 36,
    num_attention_heads: 32,
    num_key_value_heads: Some(8),
    head_dim: Some(128),
    rms_norm_eps: 1e-6,
    attention_bias: false,
    tie_word_embeddings: false,
    pad_token_id: None,
    hidden_act: Activation::Silu,
    use_sliding_window: false,
    sliding_window: Some(4096),
    max_window_layers: 28,
    layer_types: None,
};

/// The decoder of Gemma 3 27B (`google/gemma-3-27b-pt`).
pub const GEMMA_3_27B: Gemma3TextConfig = Gemma3TextConfig {
    vocab_size: 262_208,
    hidden_size: 5376,
    intermediate_size: 21_504,
    num_hidden_layers: 62,
    num_attention_heads: 32,
    num_key_value_heads: 16,
    head_dim: 128,
    rms_norm_eps: 1e-6,
    attention_bias: false,
    query_pre_attn_scalar: 168.0,
    final_logit_softcapping: None,
    tie_word_embeddings: true,
    pad_token_id: Some(0),
    hidden_activation: Activation::GeluTanh,
    sliding_window: Some(1024),
    layer_types: None,
    sliding_window_pattern: 6,
    use_bidirectional_attention: None,
};

/// The decoder of Ministral 3 8B (`mistralai/Ministral-3-8B-Base-2512`).
pub const MINISTRAL_3_8B: Ministral3Config = Ministral3Config {
    vocab_size: 131_072,
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_hidden_layers: 34,
    num_attention_heads: 32,
    num_key_value_heads: Some(8),
    head_dim: Some(128),
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
    pad_token_id: Some(11),
    hidden_act: Activation::Silu,
    sliding_window: None,
};

/// Phi-2 (`microsoft/phi-2`).
pub const PHI_2: PhiConfig = PhiConfig {
    vocab_size: 51_200,
    hidden_size: 2560,
    intermediate_size: 10_240,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: Some(32),
    head_dim: None,
    layer_norm_eps: 1e-5,
    qk_layernorm: false,
    tie_word_embeddings: false,
    pad_token_id: None,
    hidden_act: Activation::GeluTanh,
};

/// Phi-3 mini (`microsoft/Phi-3-mini-4k-instruct`).
pub const PHI_3_MINI: Phi3Config = Phi3Config {
    vocab_size: 32_064,
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: Some(32),
    head_dim: None,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
    pad_token_id: Some(32000),
    hidden_act: Activation::Silu,
    sliding_window: Some(2047),
};
