//! Autoregressive generation on sharded logits; every rank gets the same tokens.

#[cfg(feature = "nccl")]
mod captured;
mod config;
mod generation;
mod processors;
mod rows;
mod sampling;
mod steps;

use std::ops::ControlFlow;

use tch::Tensor;

use crate::Result;
use crate::model::Inputs;
use crate::parallel::ParallelModel;

pub use config::GenerationConfig;
pub use generation::Generation;
pub use processors::{LogitsProcessor, Progress};
pub use rows::Finish;
pub use sampling::{Sampler, Sampling};

/// When and how to go on; by default with no token at all.
#[derive(Clone, Debug, Default)]
pub struct GenerateOptions {
    /// How many tokens to append at most.
    pub max_new_tokens: i64,
    /// How many tokens a text may have, its prompt included.
    pub max_length: Option<i64>,
    /// What becomes of the logits before a token is chosen, in this order.
    pub processors: Vec<LogitsProcessor>,
    /// How a token is chosen.
    pub sampling: Sampling,
    /// Tokens that end a row; a finished row repeats its own until all rows are finished.
    pub stop: Vec<i64>,
    /// On a GPU, with the feature `nccl` and one rank: capture the forward of a token once and replay it (a CUDA
    /// graph). No other thread of the process may use the GPU meanwhile: what waits for the whole device fails
    /// while a capture is under way, and makes it fail.
    pub capture: bool,
}

impl GenerateOptions {
    /// The likeliest tokens, so many and whatever they are.
    pub fn greedy(max_new_tokens: i64) -> Self {
        Self {
            max_new_tokens,
            ..Self::default()
        }
    }
}

/// Appends tokens to a batch of prompts, with a key-value cache; shorter prompts are padded on the left, as
/// `attention_mask` says.
///
/// What the prompts hold beside ids and mask, such as images, the model sees once.
///
/// `each` sees the new tokens, `[batch]`, as they come and may break off; it must decide alike on
/// every rank. A [`Generation`] leaves the pace to its caller, who may end single rows.
///
/// # Shapes
/// `[batch, prompt]` → `[batch, prompt + new]`
///
/// # Errors
/// When the model cannot take the prompts, the sampling makes no sense, or a collective fails.
pub fn generate(
    model: &ParallelModel,
    prompt: &Inputs,
    options: &GenerateOptions,
    mut each: impl FnMut(&Tensor) -> ControlFlow<()>,
) -> Result<Tensor> {
    let mut generation = Generation::new(model, prompt, options)?;
    while let Some(chosen) = generation.step()? {
        if each(&chosen).is_break() {
            break;
        }
    }
    Ok(generation.into_ids())
}
