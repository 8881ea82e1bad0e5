//! Autoregressive generation on sharded logits; every rank gets the same tokens.

#[cfg(feature = "nccl")]
mod captured;
mod config;
mod processors;
mod sampling;
mod steps;

use std::ops::ControlFlow;

use tch::{TchError, Tensor};

use crate::Result;
use crate::comm::upload;
use crate::model::{InputError, Inputs};
use crate::parallel::ParallelModel;

pub use config::GenerationConfig;
pub use processors::{LogitsProcessor, Progress};
pub use sampling::{Sampler, Sampling};
use steps::Steps;

/// When and how to go on; by default with no token at all.
#[derive(Clone, Debug, Default)]
pub struct GenerateOptions {
    /// How many tokens to append at most.
    pub max_new_tokens: i64,
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

/// Appends tokens to a batch of prompts of one length, with a key-value cache.
///
/// What the prompt holds beside its ids, such as images, the model sees once.
///
/// `each` sees the new tokens, `[batch]`, as they come and may break off; it must decide alike on
/// every rank.
///
/// # Shapes
/// `[batch, prompt]` → `[batch, prompt + new]`
///
/// # Errors
/// When the model cannot take the prompt, the sampling makes no sense, or a collective fails.
pub fn generate(
    model: &ParallelModel,
    prompt: &Inputs,
    options: &GenerateOptions,
    mut each: impl FnMut(&Tensor) -> ControlFlow<()>,
) -> Result<Tensor> {
    model.check(prompt, 0)?;
    if prompt.attention_mask.is_some() {
        return Err(InputError::PaddedPrompt.into());
    }
    tch::no_grad(|| {
        let mut ids = prompt.input_ids.shallow_clone();
        let length = ids.size()[1];
        let limit = length.saturating_add(options.max_new_tokens);
        let vocabulary = model.vocabulary_size();
        let mut sampler = Sampler::new(options.sampling, &options.processors, vocabulary)?;
        let mut steps = Steps::new(model, limit, options.capture);
        let mut inputs = prompt.shallow_clone();
        let stop = upload(&Tensor::f_from_slice(&options.stop)?, ids.device())?;
        let mut finished: Option<Tensor> = None;
        for _ in 0..options.max_new_tokens {
            inputs.logits_to_keep = Some(1);
            let logits = steps.logits(&inputs)?;
            let progress = Progress {
                ids: &ids,
                prompt: length,
                limit,
            };
            let mut chosen = sampler.choose(&logits, progress)?;
            if let Some(finished) = &finished {
                chosen = ids.f_select(1, -1)?.f_where_self(finished, &chosen)?;
            }
            ids = Tensor::f_cat(&[&ids, &chosen.f_unsqueeze(1)?], 1)?;
            if each(&chosen).is_break() {
                break;
            }
            // Without a stop token the processor need not wait for a GPU to see the tokens.
            if !options.stop.is_empty() {
                let stopped = stops(&chosen, &stop)?;
                if bool::try_from(stopped.f_all()?)? {
                    break;
                }
                finished = Some(stopped);
            }
            inputs = Inputs::new(chosen.f_unsqueeze(1)?);
            let seen = steps.length();
            if model.outgrows_cache(seen, seen + 1) {
                steps.forget();
                inputs = Inputs {
                    input_ids: ids.shallow_clone(),
                    ..prompt.shallow_clone()
                };
            }
        }
        Ok(ids)
    })
}

/// Which rows have just ended; a finished row repeats its stop token, so it stays so.
fn stops(chosen: &Tensor, stop: &Tensor) -> Result<Tensor, TchError> {
    chosen
        .f_unsqueeze(1)?
        .f_eq_tensor(&stop.f_unsqueeze(0)?)?
        .f_any_dim(1, false)
}
