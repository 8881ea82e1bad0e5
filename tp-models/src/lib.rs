//! Transformer architectures: each one file with config, structs, forward and its plan.

pub mod llama;
mod options;

pub use llama::LlamaForCausalLM;
pub use options::Activation;
