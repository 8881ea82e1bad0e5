//! The true global norm of a sharded gradient, and clipping by it.

use tch::{Kind, Tensor};

use crate::Result;
use crate::comm::{ProcessGroup, ReduceOp};
use crate::module::Param;
use crate::plan::Placement;

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
    let counts = param.placement() != Placement::Replicate || group.rank() == 0;
    if counts && gradient.defined() {
        return gradient
            .norm_scalaropt_dtype(2, Kind::Float)
            .to_kind(Kind::Double)
            .square();
    }
    Tensor::zeros([], (Kind::Double, local.device()))
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
