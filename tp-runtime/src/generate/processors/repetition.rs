//! Scores of tokens that were there before.

use tch::{Kind, TchError, Tensor};

/// Divides the scores of the tokens `of` by `penalty`, or multiplies them where they are negative.
pub(super) fn penalty(scores: &Tensor, of: &Tensor, penalty: f64) -> Result<Tensor, TchError> {
    let found = scores.f_gather(1, of, false)?;
    let less = found
        .f_mul_scalar(penalty)?
        .f_where_self(&found.f_lt(0.0)?, &found.f_div_scalar(penalty)?)?;
    scores.f_scatter(1, of, &less)
}

/// Bans the tokens that would end, after `ids`, a run of `size` tokens that stands in `of`.
pub(super) fn ngrams(
    scores: &Tensor,
    of: &Tensor,
    ids: &Tensor,
    size: i64,
) -> Result<Tensor, TchError> {
    let seen = ids.size()[1];
    if seen < size || of.size()[1] < size {
        return Ok(scores.shallow_clone());
    }
    let runs = of.f_unfold(1, size, 1)?;
    let start = ids.f_narrow(1, seen + 1 - size, size - 1)?.f_unsqueeze(1)?;
    let same_start = runs.f_narrow(2, 0, size - 1)?.f_eq_tensor(&start)?;
    // A run that begins otherwise bans a token beyond the vocabulary.
    let vocabulary = scores.size()[1];
    let banned = runs.f_select(2, -1)?.f_where_self(
        &same_start.f_all_dim(2, false)?,
        &Tensor::f_scalar_tensor(vocabulary, (Kind::Int64, ids.device()))?,
    )?;
    let none = Tensor::f_zeros(
        [scores.size()[0], vocabulary + 1],
        (Kind::Bool, scores.device()),
    )?;
    let banned = none.f_scatter_value(1, &banned, 1)?;
    scores.f_masked_fill(&banned.f_narrow(1, 0, vocabulary)?, f64::NEG_INFINITY)
}
