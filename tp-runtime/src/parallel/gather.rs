//! A parameter made whole out of the ranks' parts.

use tch::Tensor;

use crate::Result;
use crate::comm::ProcessGroup;
use crate::dtensor::all_gather;
use crate::module::Partition;

/// The whole of a tensor of which this rank holds `local`, divided along `dim`.
pub(super) fn whole(
    partition: &Partition,
    dim: i64,
    local: &Tensor,
    group: &ProcessGroup,
    site: &str,
) -> Result<Tensor> {
    // All collectives first: what fails after them fails here alone, and the ranks stay in step.
    let own = partition.own(group.rank(), group.size()).into_iter();
    let segments = own.map(|(own, division)| {
        let held = local.f_narrow(dim, own.start, own.end - own.start)?;
        Ok(all_gather(&held, dim, &division, group, site)?)
    });
    let segments: Vec<Tensor> = segments.collect::<Result<_>>()?;
    match &segments[..] {
        [one] => Ok(one.shallow_clone()),
        many => Ok(Tensor::f_cat(many, dim)?),
    }
}
