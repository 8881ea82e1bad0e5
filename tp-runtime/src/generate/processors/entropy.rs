//! Tokens by the entropy of what may come.

use tch::{Kind, TchError, Tensor};

use super::truncation::at_least;

/// How many tokens [`top_h`] looks at.
const LIKELIEST: i64 = 100;

/// The likeliest tokens with this `share` of the entropy of the likeliest ones.
pub(super) fn top_h(scores: &Tensor, share: f64) -> Result<Tensor, TchError> {
    let count = LIKELIEST.min(scores.size()[1]);
    let (best, ids) = scores.f_topk(count, -1, true, true)?;
    let terms = terms(&best)?;
    let most = sum(&terms)?.f_mul_scalar(share)?;
    let kept = terms.f_cumsum(-1, Kind::Float)?.f_le_tensor(&most)?;
    // The likeliest always stays.
    let _ = kept.f_narrow(1, 0, 1)?.f_fill_(1)?;
    let none = scores.f_zeros_like()?.f_to_kind(Kind::Bool)?;
    let removed = none.f_scatter(1, &ids, &kept)?.f_logical_not()?;
    scores.f_masked_fill(&removed, f64::NEG_INFINITY)
}

/// The tokens whose information is nearest to the expected one, with this `probability` together.
pub(super) fn typical_p(scores: &Tensor, probability: f64) -> Result<Tensor, TchError> {
    let information = scores.f_log_softmax(-1, Kind::Float)?.f_neg()?;
    let distance = information.f_sub(&sum(&terms(scores)?)?)?.f_abs()?;
    let (sorted, ids) = distance.f_sort(-1, false)?;
    let cumulative = scores
        .f_gather(1, &ids, false)?
        .f_softmax(-1, Kind::Float)?
        .f_cumsum(-1, Kind::Float)?;
    let last = cumulative
        .f_lt(probability)?
        .f_sum_dim_intlist(1, true, Kind::Int64)?
        .f_clamp(0, scores.size()[1] - 1)?;
    let removed = sorted.f_gt_tensor(&sorted.f_gather(1, &last, false)?)?;
    let removed = removed.f_scatter(1, &ids, &removed)?;
    scores.f_masked_fill(&removed, f64::NEG_INFINITY)
}

/// Tokens with a probability of `epsilon`, or of less where the entropy is high.
pub(super) fn eta_cutoff(scores: &Tensor, epsilon: f64) -> Result<Tensor, TchError> {
    let entropy = sum(&terms(scores)?)?;
    let least = entropy.f_neg()?.f_exp()?.f_mul_scalar(epsilon.sqrt())?;
    at_least(scores, &least.f_clamp_max(epsilon)?)
}

/// What each token adds to the entropy; nothing where it cannot come.
fn terms(scores: &Tensor) -> Result<Tensor, TchError> {
    let logarithms = scores.f_log_softmax(-1, Kind::Float)?;
    let probabilities = logarithms.f_exp()?;
    let terms = probabilities.f_mul(&logarithms)?.f_neg()?;
    terms.f_masked_fill(&probabilities.f_eq(0.0)?, 0.0)
}

fn sum(terms: &Tensor) -> Result<Tensor, TchError> {
    terms.f_sum_dim_intlist(-1, true, Kind::Float)
}
