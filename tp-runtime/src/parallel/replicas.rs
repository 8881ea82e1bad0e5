//! The drift guard: what several ranks hold is the same on each of them, bit by bit.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use super::ParallelModel;
use crate::Result;
use crate::comm::ProcessGroup;
use crate::error::DriftError;
use crate::module::ShardedParam;

/// How many elements are hashed at a time, so that a large tensor needs little memory beside its own.
const BLOCK: i64 = 1 << 20;

/// Spreads the weights of neighbouring elements.
const STEP: i64 = 0x9e37_79b9_7f4a_7c15_u64 as i64;

/// A tensor that neighbouring ranks hold.
struct Replica {
    parameter: String,
    what: &'static str,
    /// How many ranks hold it.
    holders: usize,
    /// This rank's hash of it.
    hash: Tensor,
}

impl ParallelModel {
    /// Checks that replicated parameters, heads that ranks share, and the gradients of both are
    /// bit-equal on the ranks that hold them. Every rank makes the call; one small gather.
    ///
    /// # Errors
    /// On every rank, for the first parameter that is not, or when the collective fails.
    pub fn check_replicas(&self) -> Result<()> {
        let parameters = self.parameters();
        let replicas = parameters.iter().map(|named| self.replicas(named));
        let replicas: Vec<Vec<Replica>> = replicas.collect::<Result<_>>()?;
        compare(replicas.into_iter().flatten().collect(), self.group(), "tp")
    }

    /// Checks that every parameter is bit-equal on all data-parallel ranks. Every rank makes the call; one
    /// small gather.
    ///
    /// # Errors
    /// As [`Self::check_replicas`].
    pub(crate) fn check_copies(&self, ranks: &ProcessGroup) -> Result<()> {
        let copy = |named: &ShardedParam<'_>| {
            Ok(Replica {
                parameter: named.name.clone(),
                what: "value",
                holders: ranks.size(),
                hash: named
                    .param
                    .inspect(|local| hash(local, None, local.device()))?,
            })
        };
        let copies = self.parameters().iter().map(copy).collect::<Result<_>>()?;
        compare(copies, ranks, "dp")
    }

    /// What this rank holds of a parameter and other ranks too, and its gradient.
    fn replicas(&self, named: &ShardedParam<'_>) -> Result<Vec<Replica>> {
        let (rank, ranks) = (self.group().rank(), self.group().size());
        let local = named.param.gathered()?;
        let (value, gradient) = (local.f_detach()?, local.f_grad()?);
        let parts = match named.sharding.split() {
            None => vec![(None, ranks)],
            Some((dim, partition)) => {
                let shared = partition.shared(rank, ranks).into_iter();
                let part = |(range, holders)| (Some((dim as i64, range)), holders);
                shared.map(part).collect()
            }
        };
        let mut replicas = Vec::new();
        for (part, holders) in parts {
            for (what, tensor) in [("value", &value), ("gradient", &gradient)] {
                replicas.push(Replica {
                    parameter: named.name.clone(),
                    what,
                    holders,
                    hash: hash(tensor, part.as_ref(), value.device())?,
                });
            }
        }
        Ok(replicas)
    }
}

/// Compares what the ranks of a group hold.
fn compare(replicas: Vec<Replica>, group: &ProcessGroup, dimension: &'static str) -> Result<()> {
    if group.size() == 1 || replicas.is_empty() {
        return Ok(());
    }
    let own: Vec<&Tensor> = replicas.iter().map(|replica| &replica.hash).collect();
    let own = Tensor::f_stack(&own, 0)?;
    let count = replicas.len();
    let length = (count * group.size()) as i64;
    let hashes = group.all_gather(&own, 0, length, "the comparison of replicas")?;
    let hashes = Vec::<i64>::try_from(hashes.f_to_device(Device::Cpu)?)?;
    for (index, replica) in replicas.into_iter().enumerate() {
        let hash = |rank: usize| hashes[rank * count + index];
        for first in (0..group.size()).step_by(replica.holders) {
            let holders = first..first + replica.holders;
            let ranks: Vec<usize> = holders.filter(|&rank| hash(rank) != hash(first)).collect();
            if !ranks.is_empty() {
                return Err(DriftError {
                    parameter: replica.parameter,
                    what: replica.what,
                    dimension,
                    first,
                    ranks,
                }
                .into());
            }
        }
    }
    Ok(())
}

/// A hash of the bits of a tensor, or of a range of a dimension of it, which changes with any one
/// element; zero where there is no tensor.
fn hash(tensor: &Tensor, part: Option<&(i64, Range<i64>)>, device: Device) -> Result<Tensor> {
    let options = (Kind::Int64, device);
    if !tensor.defined() {
        return Ok(Tensor::f_zeros([], options)?);
    }
    let held = match part {
        Some((dim, range)) => tensor.f_narrow(*dim, range.start, range.end - range.start)?,
        None => tensor.shallow_clone(),
    };
    let bits = match held.f_kind()? {
        Kind::Double => Kind::Int64,
        Kind::Float => Kind::Int,
        _ => Kind::Int16,
    };
    let bits = held.f_contiguous()?.f_view_dtype(bits)?.f_flatten(0, -1)?;
    let mut sum = Tensor::f_ones([], options)?;
    let starts = (0..).step_by(BLOCK as usize);
    for (block, start) in bits.f_split(BLOCK, 0)?.into_iter().zip(starts) {
        let end = start + block.numel() as i64;
        let places = Tensor::f_arange_start(start, end, options)?;
        // Odd weights, modulo 2^64: no change of one element is lost.
        let weights = places.f_mul_scalar(STEP)?.f_bitwise_or(1)?;
        let term = block.f_to_kind(Kind::Int64)?.f_mul(&weights)?;
        sum = sum.f_add(&term.f_sum(Kind::Int64)?)?;
    }
    Ok(sum)
}
