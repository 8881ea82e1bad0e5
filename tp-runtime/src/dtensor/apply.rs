//! Carries out a redistribution, and its backward, with collectives.

use std::rc::Rc;

use tch::Tensor;

use crate::Result;
use crate::autograd::with_backward;
use crate::comm::{self, ProcessGroup, ReduceOp};
use tp_plan::{Collective, Redistribution, chunk};

/// `local` redistributed, with the matching collective attached as its backward.
pub(super) fn redistribute(
    local: &Tensor,
    Redistribution { forward, backward }: Redistribution,
    shape: &[i64],
    group: &ProcessGroup,
    reader: &Rc<str>,
) -> Result<Tensor> {
    if (forward, backward) == (Collective::Identity, Collective::Identity) {
        return Ok(local.shallow_clone());
    }
    let output = tch::no_grad(|| collective(forward, local.f_detach()?, shape, group, reader))?;
    let (shape, group, reader) = (shape.to_vec(), group.clone(), reader.to_string());
    let backward = move |gradient| collective(backward, gradient, &shape, &group, &reader);
    Ok(with_backward(local, output, backward)?)
}

fn collective(
    collective: Collective,
    tensor: Tensor,
    shape: &[i64],
    group: &ProcessGroup,
    reader: &str,
) -> comm::Result<Tensor> {
    match collective {
        Collective::Identity => Ok(tensor),
        Collective::AllReduce => group.all_reduce(tensor, ReduceOp::Sum, reader),
        Collective::AllGather(dim) => group.all_gather(&tensor, dim, shape[dim as usize], reader),
        Collective::ReduceScatter(dim) => group.reduce_scatter(&tensor, dim, reader),
        Collective::Split(dim) => {
            let range = chunk(shape[dim as usize], group.rank(), group.size());
            Ok(tensor
                .f_narrow(dim, range.start, range.end - range.start)?
                .f_contiguous()?)
        }
    }
}
