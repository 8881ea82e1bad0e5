//! The end of a language model: from the decoder's output to logits.

use tp_runtime::nn::{Embedding, Linear, LinearShape};

#[cfg(feature = "torch")]
use {tp_runtime::Result, tp_runtime::dtensor::DTensor, tp_runtime::model::Inputs};

/// A head that gives a logit for each row of `embedding`, sharing its table where `tied`.
pub fn language_head(embedding: &Embedding, tied: bool) -> Linear {
    match (tied, embedding.weight().shape()) {
        (false, &[vocabulary, hidden]) => Linear::new(LinearShape::new(hidden, vocabulary)),
        _ => Linear::tied(embedding),
    }
}

/// The logits of the positions that `inputs` ask for.
///
/// # Shapes
/// `[batch, sequence, hidden]` → `[batch, positions, vocabulary]`
///
/// # Errors
/// When layouts do not meet or a collective fails.
#[cfg(feature = "torch")]
pub fn logits(head: &Linear, hidden: &DTensor, inputs: &Inputs) -> Result<DTensor> {
    match inputs.logits_to_keep {
        Some(positions) => head.forward(&hidden.last_positions(positions)?),
        None => head.forward(hidden),
    }
}
