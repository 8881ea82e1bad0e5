//! Autoregressive generation on sharded logits; every rank gets the same tokens.

mod sampling;

use std::ops::ControlFlow;

use tch::Tensor;

use crate::Result;
use crate::model::Inputs;
use crate::nn::KvCache;
use crate::parallel::ParallelModel;

pub use sampling::{Sampler, Sampling};

/// When and how to go on.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// How many tokens to append at most.
    pub max_new_tokens: i64,
    /// How a token is chosen.
    pub sampling: Sampling,
    /// Tokens that end a row; a finished row repeats its own until all rows are finished.
    pub stop: Vec<i64>,
}

/// Appends tokens to a batch of prompts of one length, with a key-value cache.
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
    prompt: &Tensor,
    options: &GenerateOptions,
    mut each: impl FnMut(&Tensor) -> ControlFlow<()>,
) -> Result<Tensor> {
    model.check(&Inputs::new(prompt.shallow_clone()), 0)?;
    tch::no_grad(|| {
        let mut sampler = Sampler::new(options.sampling)?;
        let mut cache = KvCache::new(prompt.size()[1] + options.max_new_tokens);
        let mut tokens = vec![prompt.shallow_clone()];
        let mut next = prompt.shallow_clone();
        let mut finished: Option<Tensor> = None;
        for _ in 0..options.max_new_tokens {
            let inputs = Inputs {
                logits_to_keep: Some(1),
                ..Inputs::new(next)
            };
            let logits = model.forward(&inputs, Some(&mut cache))?;
            let mut chosen = sampler.choose(&logits)?;
            if let (Some(finished), Some(last)) = (&finished, tokens.last()) {
                chosen = last.select(1, -1).where_self(finished, &chosen);
            }
            let stopped = stops(&chosen, &options.stop);
            next = chosen.unsqueeze(1);
            tokens.push(next.shallow_clone());
            if each(&chosen).is_break() || bool::try_from(stopped.all())? {
                break;
            }
            finished = Some(stopped);
        }
        Ok(Tensor::cat(&tokens, 1))
    })
}

/// Which rows have just ended; a finished row repeats its stop token, so it stays so.
fn stops(chosen: &Tensor, stop: &[i64]) -> Tensor {
    let stop = Tensor::from_slice(stop).to_device(chosen.device());
    chosen
        .unsqueeze(1)
        .eq_tensor(&stop.unsqueeze(0))
        .any_dim(1, false)
}
