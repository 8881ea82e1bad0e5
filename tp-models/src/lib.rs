//! Transformer architectures: each one file with config, structs, forward and its plan.

// Without execution a model is its shapes: what only its forward reads goes unread.
#![cfg_attr(not(feature = "torch"), allow(dead_code))]

pub mod llama;
mod options;

pub use llama::LlamaForCausalLM;
pub use options::Activation;
