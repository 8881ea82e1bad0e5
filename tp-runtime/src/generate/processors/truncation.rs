//! The likeliest tokens alone, by their number or probability.

use tch::{Kind, TchError, Tensor};

/// The `count` likeliest, and those that are as likely as the last of them.
pub(super) fn top_k(scores: &Tensor, count: i64) -> Result<Tensor, TchError> {
    let (best, _) = scores.f_topk(count.min(scores.size()[1]), -1, true, true)?;
    let least = best.f_narrow(1, -1, 1)?;
    scores.f_masked_fill(&scores.f_lt_tensor(&least)?, f64::NEG_INFINITY)
}

/// The likeliest that together have `probability`.
pub(super) fn top_p(scores: &Tensor, probability: f64) -> Result<Tensor, TchError> {
    let (sorted, ids) = scores.f_sort(-1, false)?;
    let cumulative = sorted
        .f_softmax(-1, Kind::Float)?
        .f_cumsum(-1, Kind::Float)?;
    let removed = cumulative.f_le(1.0 - probability)?;
    // The likeliest always stays.
    let _ = removed.f_narrow(1, -1, 1)?.f_fill_(0)?;
    let removed = removed.f_scatter(1, &ids, &removed)?;
    scores.f_masked_fill(&removed, f64::NEG_INFINITY)
}

/// Those with at least this `share` of the likeliest one's probability.
pub(super) fn min_p(scores: &Tensor, share: f64) -> Result<Tensor, TchError> {
    let probabilities = scores.f_softmax(-1, Kind::Float)?;
    let least = probabilities.f_amax(-1, true)?.f_mul_scalar(share)?;
    scores.f_masked_fill(&probabilities.f_lt_tensor(&least)?, f64::NEG_INFINITY)
}

/// Those with a probability of at least `epsilon`.
pub(super) fn epsilon_cutoff(scores: &Tensor, epsilon: f64) -> Result<Tensor, TchError> {
    let least = Tensor::f_full([1], epsilon, (Kind::Float, scores.device()))?;
    at_least(scores, &least)
}

/// Those with a probability of `least`, and the likeliest in any case.
pub(super) fn at_least(scores: &Tensor, least: &Tensor) -> Result<Tensor, TchError> {
    let unlikely = scores.f_softmax(-1, Kind::Float)?.f_lt_tensor(least)?;
    let not_best = scores.f_lt_tensor(&scores.f_amax(-1, true)?)?;
    scores.f_masked_fill(&unlikely.f_logical_and(&not_best)?, f64::NEG_INFINITY)
}
