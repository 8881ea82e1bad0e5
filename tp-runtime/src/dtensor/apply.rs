//! Carries out a redistribution, and its backward, with collectives.

use std::rc::Rc;

use tch::Tensor;

use super::parts::collective;
use crate::Result;
use crate::autograd::with_backward;
use crate::comm::ProcessGroup;
use tp_plan::{Collective, Division, HeadShares, Redistribution};

/// `local` redistributed, with the matching collective attached as its backward; the dimension that is
/// gathered or split is made of `heads`.
pub(super) fn redistribute(
    local: &Tensor,
    Redistribution { forward, backward }: Redistribution,
    shape: &[i64],
    heads: Option<HeadShares>,
    group: &ProcessGroup,
    reader: &Rc<str>,
) -> Result<Tensor> {
    if (forward, backward) == (Collective::Identity, Collective::Identity) {
        return Ok(local.shallow_clone());
    }
    let dim = forward.dim().or(backward.dim());
    let division = Division::whole(dim.map_or(0, |dim| shape[dim as usize]), heads);
    let output = tch::no_grad(|| collective(forward, local.f_detach()?, &division, group, reader))?;
    let (group, reader) = (group.clone(), reader.to_string());
    let backward = move |gradient| collective(backward, gradient, &division, &group, &reader);
    Ok(with_backward(local, output, backward)?)
}
