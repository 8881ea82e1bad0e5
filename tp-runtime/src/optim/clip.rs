//! The true global norm of a sharded gradient, and clipping by it.

use tch::{Kind, Tensor};

use crate::Result;
use crate::comm::{ProcessGroup, ReduceOp};
use crate::module::Param;

/// The norm of the whole model's gradient; every element counts once, however many ranks hold it.
///
/// # Errors
/// When the collective fails.
pub fn gradient_norm<'a>(
    params: impl IntoIterator<Item = &'a Param>,
    group: &ProcessGroup,
) -> Result<f64> {
    let squares: Vec<Tensor> = params
        .into_iter()
        .map(|param| counted(param, group))
        .collect();
    if squares.is_empty() {
        return Ok(0.0);
    }
    let squares = Tensor::stack(&squares, 0).sum(Kind::Double);
    let sum = group.all_reduce(squares, ReduceOp::Sum, "the gradient norm")?;
    Ok(sum.double_value(&[]).sqrt())
}

/// The sum of squares that this rank adds: of its part, or of the whole on one rank only.
fn counted(param: &Param, group: &ProcessGroup) -> Tensor {
    let local = param.local();
    let gradient = local.grad();
    let zero = Tensor::zeros([], (Kind::Double, local.device()));
    if !gradient.defined() {
        return zero;
    }
    let squares = |gradient: &Tensor| {
        gradient
            .norm_scalaropt_dtype(2, Kind::Float)
            .to_kind(Kind::Double)
            .square()
    };
    match param.partition() {
        Some((dim, partition)) => partition
            .own(group.rank(), group.size())
            .into_iter()
            // Of the ranks that share a chunk, the first counts it.
            .filter(|(_, division)| group.rank().is_multiple_of(division.sharers))
            .map(|(range, _)| {
                squares(&gradient.narrow(dim as i64, range.start, range.end - range.start))
            })
            .fold(zero, |sum, term| sum + term),
        None if group.rank() == 0 => squares(&gradient),
        None => zero,
    }
}

/// Scales the gradients so that their global norm is at most `max_norm`; gives the norm they had.
///
/// # Errors
/// When the collective fails.
pub fn clip_gradients<'a>(
    params: impl IntoIterator<Item = &'a Param> + Clone,
    max_norm: f64,
    group: &ProcessGroup,
) -> Result<f64> {
    let norm = gradient_norm(params.clone(), group)?;
    // torch's own guard against a zero norm.
    let scale = max_norm / (norm + 1e-6);
    if scale < 1.0 {
        for param in params {
            let mut gradient = param.local().grad();
            if gradient.defined() {
                let _ = gradient.g_mul_scalar_(scale);
            }
        }
    }
    Ok(norm)
}
