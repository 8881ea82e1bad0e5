//! Scores of single tokens and of sequences, moved by hand.

use tch::{Kind, TchError, Tensor};

use crate::comm::upload;

/// Adds to the score of the last token of each sequence where the tokens before it stand.
pub(super) fn sequences(
    scores: &Tensor,
    ids: &Tensor,
    biases: &[(Vec<i64>, f64)],
) -> Result<Tensor, TchError> {
    let sum = scores.f_zeros_like()?;
    for (sequence, bias) in biases {
        let Some((&last, before)) = sequence.split_last() else {
            continue;
        };
        let (length, seen) = (before.len() as i64, ids.size()[1]);
        // A single token follows anything; a sequence has to fit into what is there.
        if length > 0 && length >= seen {
            continue;
        }
        let end = ids.f_narrow(1, seen - length, length)?;
        let before = upload(&Tensor::f_from_slice(before)?, ids.device())?;
        let stands = end.f_eq_tensor(&before)?.f_all_dim(1, false)?;
        let mut column = sum.f_select(1, last)?;
        let raised = column.f_add_scalar(*bias)?.f_where_self(&stands, &column)?;
        column.f_copy_(&raised)?;
    }
    scores.f_add(&sum)
}

/// None of these tokens.
pub(super) fn without(scores: &Tensor, tokens: &[i64]) -> Result<Tensor, TchError> {
    scores.f_masked_fill(&are(tokens, scores)?, f64::NEG_INFINITY)
}

/// One of these tokens, all alike.
pub(super) fn only(scores: &Tensor, tokens: &[i64]) -> Result<Tensor, TchError> {
    let others = are(tokens, scores)?.f_logical_not()?;
    scores
        .f_zeros_like()?
        .f_masked_fill(&others, f64::NEG_INFINITY)
}

/// Which tokens of the vocabulary these are.
pub(super) fn are(tokens: &[i64], scores: &Tensor) -> Result<Tensor, TchError> {
    let vocabulary = Tensor::f_arange(scores.size()[1], (Kind::Int64, scores.device()))?;
    let tokens = upload(&Tensor::f_from_slice(tokens)?, scores.device())?;
    vocabulary
        .f_unsqueeze(1)?
        .f_eq_tensor(&tokens.f_unsqueeze(0)?)?
        .f_any_dim(1, false)
}
