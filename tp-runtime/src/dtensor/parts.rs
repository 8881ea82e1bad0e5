//! Collectives over a dimension as ranks divide it, by torch's chunks or by heads.
//!
//! What several ranks hold belongs to the first of them: it alone gives it to a gather, and it alone gets a
//! gradient for it, so that the sum over them is right.

use std::ops::Range;

use tch::{TchError, Tensor};

use crate::comm::{ProcessGroup, ReduceOp, Result};
use tp_plan::{Collective, Division};

/// A collective on the dimension that it names, of which the ranks hold what `division` says.
pub(super) fn collective(
    collective: Collective,
    tensor: Tensor,
    division: &Division,
    group: &ProcessGroup,
    site: &str,
) -> Result<Tensor> {
    match collective {
        Collective::Identity => Ok(tensor),
        Collective::AllReduce => group.all_reduce(tensor, ReduceOp::Sum, site),
        Collective::AllGather(dim) => all_gather(&tensor, dim, division, group, site),
        Collective::ReduceScatter(dim) => reduce_scatter(&tensor, dim, division, group, site),
        Collective::Split(dim) => Ok(split(&tensor, dim, division, group)?),
    }
}

/// Joins the ranks' parts of `dim`.
pub(crate) fn all_gather(
    local: &Tensor,
    dim: i64,
    division: &Division,
    group: &ProcessGroup,
    site: &str,
) -> Result<Tensor> {
    let (rank, ranks) = (group.rank(), group.size());
    if division.is_in_chunks(ranks) {
        return group.all_gather(local, dim, division.length, site);
    }
    let (held, owned) = (division.range(rank, ranks), division.owned(rank, ranks));
    let own = local.f_narrow(dim, owned.start - held.start, length(&owned))?;
    let widest = widest(division, ranks);
    let padded = pad(&own, dim, [0, widest - length(&owned)])?;
    let gathered = group.all_gather(&padded, dim, widest * ranks as i64, site)?;
    let part = |rank| {
        let owned = division.owned(rank, ranks);
        gathered.f_narrow(dim, rank as i64 * widest, length(&owned))
    };
    let parts: Vec<Tensor> = (0..ranks).map(part).collect::<Result<_, _>>()?;
    Ok(Tensor::f_cat(&parts, dim)?)
}

/// Sums `whole` over the ranks and gives each its part of `dim`.
fn reduce_scatter(
    whole: &Tensor,
    dim: i64,
    division: &Division,
    group: &ProcessGroup,
    site: &str,
) -> Result<Tensor> {
    let (rank, ranks) = (group.rank(), group.size());
    if division.is_in_chunks(ranks) {
        return group.reduce_scatter(whole, dim, site);
    }
    let widest = widest(division, ranks);
    let part = |rank| {
        let owned = division.owned(rank, ranks);
        let part = whole.f_narrow(dim, owned.start, length(&owned))?;
        pad(&part, dim, [0, widest - length(&owned)])
    };
    let padded: Vec<Tensor> = (0..ranks).map(part).collect::<Result<_, _>>()?;
    let sum = group.reduce_scatter(&Tensor::f_cat(&padded, dim)?, dim, site)?;
    let (held, owned) = (division.range(rank, ranks), division.owned(rank, ranks));
    let own = sum.f_narrow(dim, 0, length(&owned))?;
    Ok(pad(&own, dim, [owned.start - held.start, 0])?)
}

/// This rank's part of `dim`, zeros where it belongs to a rank before it.
fn split(
    whole: &Tensor,
    dim: i64,
    division: &Division,
    group: &ProcessGroup,
) -> Result<Tensor, TchError> {
    let (rank, ranks) = (group.rank(), group.size());
    let (held, owned) = (division.range(rank, ranks), division.owned(rank, ranks));
    let own = whole.f_narrow(dim, owned.start, length(&owned))?;
    pad(&own.f_contiguous()?, dim, [owned.start - held.start, 0])
}

/// How much the rank owns that owns most.
fn widest(division: &Division, ranks: usize) -> i64 {
    let owned = (0..ranks).map(|rank| length(&division.owned(rank, ranks)));
    owned.max().unwrap_or(0)
}

/// `tensor` with so many zeros before it and after it.
fn pad(tensor: &Tensor, dim: i64, [before, after]: [i64; 2]) -> Result<Tensor, TchError> {
    let zeros = |length| {
        let mut shape = tensor.size();
        shape[dim as usize] = length;
        Tensor::f_zeros(shape, (tensor.f_kind()?, tensor.device()))
    };
    if (before, after) == (0, 0) {
        return Ok(tensor.shallow_clone());
    }
    Tensor::f_cat(&[&zeros(before)?, tensor, &zeros(after)?], dim)
}

fn length(range: &Range<i64>) -> i64 {
    range.end - range.start
}
