//! The true global norm of a sharded gradient, and clipping by it.

use tch::{Kind, Tensor};

use crate::Result;
use crate::comm::{ProcessGroup, ReduceOp};
use crate::dtensor::TensorError;
use crate::module::ShardedParam;

/// The norm of the whole model's gradient; every element counts once, however many ranks hold it.
///
/// # Errors
/// When the collective fails.
pub fn gradient_norm(params: &[ShardedParam<'_>], group: &ProcessGroup) -> Result<f64> {
    let squares = params.iter().map(|param| {
        counted(param, group).map_err(|error| TensorError::attach(&param.name, group, error))
    });
    let squares: Vec<Tensor> = squares.collect::<Result<_>>()?;
    if squares.is_empty() {
        return Ok(0.0);
    }
    let squares = Tensor::f_stack(&squares, 0)?.f_sum(Kind::Double)?;
    let sum = group.all_reduce(squares, ReduceOp::Sum, "the gradient norm")?;
    Ok(sum.f_double_value(&[])?.sqrt())
}

/// The sum of squares that this rank adds: of its part, or of the whole on one rank only.
fn counted(one: &ShardedParam<'_>, group: &ProcessGroup) -> Result<Tensor> {
    let local = one.param.local();
    let gradient = local.f_grad()?;
    let zero = Tensor::f_zeros([], (Kind::Double, local.device()))?;
    if !gradient.defined() {
        return Ok(zero);
    }
    let Some((dim, partition)) = one.sharding.split() else {
        return match group.rank() {
            0 => squares(&gradient),
            _ => Ok(zero),
        };
    };
    let owned = partition.owned(group.rank(), group.size());
    owned.into_iter().try_fold(zero, |sum, range| {
        let part = gradient.f_narrow(dim as i64, range.start, range.end - range.start)?;
        Ok(sum.f_add(&squares(&part)?)?)
    })
}

fn squares(gradient: &Tensor) -> Result<Tensor> {
    let norm = gradient.f_norm_scalaropt_dtype(2, Kind::Float)?;
    Ok(norm.f_to_kind(Kind::Double)?.f_square()?)
}

/// Scales the gradients so that their global norm is at most `max_norm`; gives the norm they had.
///
/// # Errors
/// When the collective fails.
pub fn clip_gradients(
    params: &[ShardedParam<'_>],
    max_norm: f64,
    group: &ProcessGroup,
) -> Result<f64> {
    let norm = gradient_norm(params, group)?;
    // torch's own guard against a zero norm.
    let scale = max_norm / (norm + 1e-6);
    if scale < 1.0 {
        for one in params {
            let mut gradient = one.param.local().f_grad()?;
            if gradient.defined() {
                let _ = gradient.f_mul_scalar_(scale)?;
            }
        }
    }
    Ok(norm)
}
