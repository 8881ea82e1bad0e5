//! Scores that depend on how long a text is.

use tch::{TchError, Tensor};

use super::bias::are;

/// Raises the scores of `end` by `factor` to the power of the tokens `beyond` where it begins.
pub(super) fn exponential_decay(
    scores: &Tensor,
    end: &[i64],
    beyond: i64,
    factor: f64,
) -> Result<Tensor, TchError> {
    if beyond <= 0 {
        return Ok(scores.shallow_clone());
    }
    let growth = factor.powf(beyond as f64) - 1.0;
    // Of the absolute value, so that negative scores rise, too.
    let raised = scores.f_add(&scores.f_abs()?.f_mul_scalar(growth)?)?;
    raised.f_where_self(&are(end, scores)?, scores)
}
