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
    let mut squares = Tensor::zeros([1], (Kind::Double, group.device()));
    for param in params {
        let gradient = param.local().grad();
        let counts = param.placement() != Placement::Replicate || group.rank() == 0;
        if counts && gradient.defined() {
            squares += gradient
                .norm_scalaropt_dtype(2, Kind::Float)
                .to_kind(Kind::Double)
                .square();
        }
    }
    let sum = group.all_reduce(squares, ReduceOp::Sum, "the gradient norm")?;
    Ok(sum.double_value(&[0]).sqrt())
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
