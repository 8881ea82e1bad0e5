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
    /// The ranks that hold it.
    holders: Range<usize>,
    /// This rank's hash of it; zero on a rank that does not hold it.
    hash: Tensor,
}

/// What a rank holds of a parameter.
#[derive(Clone, Copy)]
pub(crate) enum Held {
    /// Itself.
    Value,
    /// Its gradient.
    Gradient,
}

impl Held {
    const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Gradient => "gradient",
        }
    }
}

/// What a rank has of what a group holds together.
enum Part {
    /// Nothing.
    None,
    /// All of the parameter.
    Whole,
    /// Ranges of a dimension of its part.
    Ranges(i64, Vec<Range<i64>>),
}

impl ParallelModel {
    /// Checks that replicated parameters, heads that ranks share, and the gradients of both are
    /// bit-equal on the ranks that hold them. Every rank makes the call; one small gather.
    ///
    /// # Errors
    /// On every rank, for the first parameter that is not, or when the collective fails.
    pub fn check_replicas(&self) -> Result<()> {
        self.check_held(&[Held::Value, Held::Gradient])
    }

    /// As [`Self::check_replicas`], for some of what ranks hold of a parameter.
    pub(crate) fn check_held(&self, held: &[Held]) -> Result<()> {
        let parameters = self.parameters();
        let replicas = parameters.iter().map(|named| self.replicas(named, held));
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
                what: Held::Value.name(),
                holders: 0..ranks.size(),
                hash: named.param.inspect(hash)?,
            })
        };
        let copies = self.parameters().iter().map(copy).collect::<Result<_>>()?;
        compare(copies, ranks, "dp")
    }

    /// What several ranks hold of a parameter; every rank lists the same.
    fn replicas(&self, named: &ShardedParam<'_>, held: &[Held]) -> Result<Vec<Replica>> {
        let local = named.param.gathered()?;
        let mut replicas = Vec::new();
        for (holders, part) in self.parts(named) {
            for held in held {
                let tensor = match held {
                    Held::Value => local.f_detach()?,
                    Held::Gradient => local.f_grad()?,
                };
                let hash = match &part {
                    Part::Whole if tensor.defined() => hash(&tensor)?,
                    Part::Ranges(dim, ranges) if tensor.defined() => {
                        hash(&joined(&tensor, *dim, ranges)?)?
                    }
                    _ => zero(local.device())?,
                };
                replicas.push(Replica {
                    parameter: named.name.clone(),
                    what: held.name(),
                    holders: holders.clone(),
                    hash,
                });
            }
        }
        Ok(replicas)
    }

    /// The groups of ranks that hold something of a parameter together, and what this rank has of it.
    fn parts(&self, named: &ShardedParam<'_>) -> Vec<(Range<usize>, Part)> {
        let (rank, ranks) = (self.group().rank(), self.group().size());
        let Some((dim, partition)) = named.sharding.split() else {
            return vec![(0..ranks, Part::Whole)];
        };
        let mut shared = partition.shared(rank, ranks);
        let groups = partition.holder_groups(ranks).into_iter();
        let parts = groups.map(|holders| {
            let own = shared.iter_mut().find(|part| part.holders == holders);
            let part = own.map_or(Part::None, |part| {
                Part::Ranges(dim as i64, std::mem::take(&mut part.ranges))
            });
            (holders, part)
        });
        parts.collect()
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
        let first = replica.holders.start;
        let ranks = replica.holders.filter(|&rank| hash(rank) != hash(first));
        let ranks: Vec<usize> = ranks.collect();
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
    Ok(())
}

fn zero(device: Device) -> Result<Tensor> {
    Ok(Tensor::f_zeros([], (Kind::Int64, device))?)
}

/// These ranges of a dimension, one after another.
fn joined(tensor: &Tensor, dim: i64, ranges: &[Range<i64>]) -> Result<Tensor> {
    let parts = ranges
        .iter()
        .map(|range| tensor.f_narrow(dim, range.start, range.end - range.start));
    Ok(Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, dim)?)
}

/// A hash of the bits of a tensor, which changes with any one element.
fn hash(tensor: &Tensor) -> Result<Tensor> {
    let options = (Kind::Int64, tensor.device());
    let bits = match tensor.f_kind()? {
        Kind::Double => Kind::Int64,
        Kind::Float => Kind::Int,
        _ => Kind::Int16,
    };
    let bits = tensor
        .f_contiguous()?
        .f_view_dtype(bits)?
        .f_flatten(0, -1)?;
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
