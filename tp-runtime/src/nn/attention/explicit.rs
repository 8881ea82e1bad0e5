//! Attention whose probabilities are there to be dropped (transformers `eager_attention_forward`).

use tch::{Kind, TchError, Tensor};

/// Mixes values by probabilities, after `drop`.
///
/// # Shapes
/// `[batch, heads, sequence, head_dim]` each; a mask `[batch or 1, 1, queries, keys]` of what is seen, or of
/// what is added to the scores → as the queries
pub(super) fn attend(
    [queries, keys, values]: [&Tensor; 3],
    mask: Option<Tensor>,
    causal: bool,
    scale: f64,
    drop: impl FnOnce(&Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    let kind = queries.kind();
    let keys = keys.f_transpose(-2, -1)?;
    let scores = queries.f_mul_scalar(scale)?.f_matmul(&keys)?;
    let scores = match mask {
        Some(mask) if mask.kind() == Kind::Bool => hide(&scores, &mask)?,
        Some(mask) => scores.f_add(&mask)?,
        None if causal => {
            let all = Tensor::f_ones(&scores.size()[2..], (Kind::Bool, scores.device()))?;
            hide(&scores, &all.f_tril(0)?)?
        }
        None => scores,
    };
    // In f32 at least, as in transformers.
    let precise = match kind {
        Kind::Double => Kind::Double,
        _ => Kind::Float,
    };
    let probabilities = scores.f_softmax(-1, precise)?.f_to_kind(kind)?;
    drop(&probabilities)?.f_matmul(values)
}

fn hide(scores: &Tensor, seen: &Tensor) -> Result<Tensor, TchError> {
    scores.f_masked_fill(&seen.f_logical_not()?, f64::NEG_INFINITY)
}
