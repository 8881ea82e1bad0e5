//! Transformer architectures: each one file with config, structs, forward and its plan.
//!
//! A program finds them by what `config.json` says in `architectures`. It has to link this crate: where
//! it names no type of it, `use tp_models as _;` does.
//!
//! ```no_run
//! # #[cfg(feature = "torch")]
//! # fn run() -> tp_runtime::Result<()> {
//! use tch::Tensor;
//! use tp_models as _;
//! use tp_runtime::prelude::*;
//!
//! // A Llama on two ranks; each reads its own part of the weights.
//! let next = launch(&Launch::new(2), |rank| -> Result<i64> {
//!     let mesh = rank.mesh(&[("tp", rank.world_size())])?;
//!     let model = ParallelModel::from_pretrained("models/llama").load(&mesh)?;
//!     let ids = Tensor::from_slice(&[1_i64, 15, 27]).unsqueeze(0);
//!     let logits = tch::no_grad(|| model.forward(&Inputs::new(ids), None)?.full())?;
//!     Ok(logits.select(1, -1).argmax(-1, false).int64_value(&[0]))
//! })?;
//! println!("the likeliest next token is {next}");
//! # Ok(())
//! # }
//! # fn main() {}
//! ```
//!
//! Their plans can be looked at without weights, and without libtorch where the default feature
//! `torch` is off:
//!
//! ```
//! use tp_models::LlamaForCausalLM;
//! use tp_runtime::plan::{self, Mode};
//!
//! # fn main() -> tp_runtime::Result<()> {
//! let plan = plan::plan_for::<LlamaForCausalLM>()?;
//! assert!(plan.supports(Mode::SequenceParallel));
//! assert_eq!(plan::rows(plan)[0].pattern, "model.embed_tokens");
//! # Ok(())
//! # }
//! ```
//!
//! A new architecture is a file like [`llama`] and a `mod` line.

// Without execution a model is its shapes: what only its forward reads goes unread.
#![cfg_attr(not(feature = "torch"), allow(dead_code))]

pub mod gemma3;
pub mod gemma3_conditional;
pub mod layers;
pub mod llama;
pub mod llama_classifier;
pub mod ministral3;
pub mod mistral3;
pub mod phi;
pub mod phi3;
pub mod pixtral;
pub mod published;
pub mod qwen2;
pub mod qwen2_classifier;
pub mod qwen3;
pub mod qwen3_classifier;
pub mod siglip;

pub use gemma3::Gemma3ForCausalLM;
pub use gemma3_conditional::Gemma3ForConditionalGeneration;
pub use llama::LlamaForCausalLM;
pub use llama_classifier::LlamaForSequenceClassification;
pub use ministral3::Ministral3ForCausalLM;
pub use mistral3::Mistral3ForConditionalGeneration;
pub use phi::PhiForCausalLM;
pub use phi3::Phi3ForCausalLM;
pub use qwen2::Qwen2ForCausalLM;
pub use qwen2_classifier::Qwen2ForSequenceClassification;
pub use qwen3::Qwen3ForCausalLM;
pub use qwen3_classifier::Qwen3ForSequenceClassification;
