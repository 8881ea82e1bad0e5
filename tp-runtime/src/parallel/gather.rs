//! A parameter made whole out of the ranks' parts.

use tch::Tensor;

use crate::Result;
use crate::comm::ProcessGroup;
use crate::module::{Division, Partition};

/// The whole of a tensor of which this rank holds `local`, divided along `dim`.
pub(super) fn whole(
    partition: &Partition,
    dim: i64,
    local: &Tensor,
    group: &ProcessGroup,
    site: &str,
) -> Result<Tensor> {
    // All collectives first: what fails after them fails here alone, and the ranks stay in step.
    let mut gathered = Vec::new();
    for (own, division) in partition.own(group.rank(), group.size()) {
        let held = local.f_narrow(dim, own.start, own.end - own.start)?;
        let chunks = group.all_gather(&held, dim, division.held(), site)?;
        gathered.push((chunks, division));
    }
    let segments: Result<Vec<Tensor>> = gathered
        .iter()
        .map(|(chunks, division)| segment(chunks, division, dim, group.size()))
        .collect();
    match &segments?[..] {
        [one] => Ok(one.shallow_clone()),
        many => Ok(Tensor::f_cat(many, dim)?),
    }
}

/// One segment out of what every rank holds of it.
fn segment(gathered: &Tensor, division: &Division, dim: i64, ranks: usize) -> Result<Tensor> {
    if division.replicas == 1 {
        return Ok(gathered.shallow_clone());
    }
    // Every chunk stands there once for each rank that holds it: the first of each will do.
    let replicas = division.replicas as i64;
    let chunks = ranks as i64 / replicas;
    let sizes = [chunks, replicas, division.length / chunks];
    let first = gathered.f_unflatten(dim, sizes)?.f_select(dim + 1, 0)?;
    Ok(first.f_flatten(dim, dim + 1)?)
}
