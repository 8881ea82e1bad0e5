//! What a rank brings to a collective, and what it makes of what all ranks bring.

use tch::{Cuda, Device, Kind, Tensor};
use tp_plan::chunk;

use super::reduce::{reduce, supports};
use super::rounds::Values;
use crate::backend::Request;
use crate::ffi::is_unshared;
use crate::{CommError, Operation, ReduceOp, Result};

/// What a rank brings: its request, its tensor, and where others may read and write it.
pub(super) struct Contribution {
    /// The rank in the world.
    rank: usize,
    pub(super) request: Request,
    pub(super) input: Tensor,
    /// Where an all-reduce on the CPU leaves its result; may be `input` itself.
    pub(super) output: Option<Tensor>,
    kind: Kind,
    device: Device,
    shape: Vec<i64>,
    from: *const u8,
    to: *mut u8,
}

// SAFETY: libtorch allows threads to share a tensor as long as none changes it; the memory behind the
// pointers belongs to `input` and `output`, and is written only as `all_reduce` says.
unsafe impl Send for Contribution {}
// SAFETY: as above.
unsafe impl Sync for Contribution {}

impl Contribution {
    /// Prepares a detached tensor for its collective; `rank` is the rank in the world.
    pub(super) fn new(request: Request, tensor: Tensor, rank: usize) -> Result<Self> {
        let reduces = matches!(
            request.operation,
            Operation::AllReduce(_) | Operation::ReduceScatter { .. }
        );
        let (kind, device) = (tensor.f_kind()?, tensor.device());
        if reduces && !supports(kind) {
            let message =
                format!("tensors of kind {kind:?} cannot be reduced: convert them to numbers");
            return Err(CommError::Argument {
                who: request.participant(rank),
                message,
            }
            .into());
        }
        let input = if reduces && !tensor.is_contiguous() {
            tensor.f_contiguous()?
        } else {
            tensor
        };
        let output = match request.operation {
            Operation::AllReduce(_) if device == Device::Cpu => Some(output_for(&input)?),
            _ => None,
        };
        if let Device::Cuda(index) = device {
            // The others read from their own streams.
            Cuda::synchronize(index as i64);
        }
        let (shape, from) = (input.size(), input.data_ptr() as *const u8);
        let to = output
            .as_ref()
            .map_or(std::ptr::null_mut(), |output| output.data_ptr().cast());
        Ok(Self {
            rank,
            request,
            input,
            output,
            kind,
            device,
            shape,
            from,
            to,
        })
    }

    /// The call and its tensor in words.
    fn describe(&self) -> String {
        let Request { operation, site } = &self.request;
        let tensor = match operation {
            Operation::Barrier => String::new(),
            _ => format!(" of {:?} {:?} on {:?}", self.kind, self.shape, self.device),
        };
        let rank = self.rank;
        format!("rank {rank} calls {operation}{tensor} for `{site}`")
    }

    /// Whether both ranks make the same call with tensors that fit.
    fn fits(&self, other: &Self) -> bool {
        let shapes_fit = match self.request.operation {
            // The length along `dim` is each rank's own chunk.
            Operation::AllGather { dim, .. } => {
                let others =
                    |shape: &[i64]| [&shape[..dim as usize], &shape[dim as usize + 1..]].concat();
                self.shape.len() == other.shape.len() && others(&self.shape) == others(&other.shape)
            }
            _ => self.shape == other.shape,
        };
        self.request.operation == other.request.operation
            && self.kind == other.kind
            && shapes_fit
            && std::mem::discriminant(&self.device) == std::mem::discriminant(&other.device)
    }
}

/// The tensor itself where nobody else can see its memory, else a new one.
fn output_for(input: &Tensor) -> Result<Tensor> {
    Ok(if is_unshared(input)? {
        input.shallow_clone()
    } else {
        input.f_empty_like()?
    })
}

/// This rank's part of a collective.
pub(super) fn compute(rank: usize, all: &Values<'_, Contribution>) -> Result<Tensor> {
    let own = &all[rank];
    if let Some(peer) = (0..all.len()).find(|&peer| !own.fits(&all[peer])) {
        let ours = own.describe();
        let theirs = all[peer].describe();
        return Err(CommError::Mismatch { ours, theirs }.into());
    }
    let result = match own.request.operation {
        Operation::AllReduce(op) => all_reduce(rank, all, op),
        Operation::AllGather { dim, .. } => {
            let parts = all.iter().map(|one| one.input.f_to_device(own.device));
            Ok(Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, dim)?)
        }
        Operation::ReduceScatter { dim } => reduce_scatter(rank, all, dim),
        Operation::Broadcast { source } if source == rank => Ok(own.input.shallow_clone()),
        Operation::Broadcast { source } => {
            let input = &all[source].input;
            Ok(input.f_to_device_(own.device, input.f_kind()?, false, true)?)
        }
        Operation::Barrier => Ok(Tensor::new()),
    };
    if let Device::Cuda(index) = own.device {
        // The others' tensors may be gone once this rank says that it has read.
        Cuda::synchronize(index as i64);
    }
    result
}

/// Reduces this rank's share of the elements and writes it to every rank's output.
fn all_reduce(rank: usize, all: &Values<'_, Contribution>, op: ReduceOp) -> Result<Tensor> {
    let own = &all[rank];
    let Some(output) = &own.output else {
        return reduce_tensors(
            all.iter().map(|one| one.input.shallow_clone()),
            op,
            own.device,
        );
    };
    let size = own.kind.elt_size_in_bytes();
    let numel = own.shape.iter().product::<i64>() as usize;
    // Whole cache lines, so that two ranks never write the same one.
    let share = numel.div_ceil(all.len()).next_multiple_of(64 / size);
    let start = (share * rank).min(numel);
    let length = share.min(numel - start);
    // SAFETY: `fits` has shown that all tensors are contiguous CPU tensors of this kind and shape, which
    // the contributions keep alive. Each rank touches its own share only. An output is its rank's input or
    // new memory: `output_for` saw that nobody else holds it.
    unsafe {
        let inputs: Vec<_> = all.iter().map(|one| one.from.add(start * size)).collect();
        let outputs: Vec<_> = all.iter().map(|one| one.to.add(start * size)).collect();
        reduce(own.kind, op, &inputs, &outputs, length);
    }
    Ok(output.shallow_clone())
}

/// Sums this rank's chunk of `dim`.
fn reduce_scatter(rank: usize, all: &Values<'_, Contribution>, dim: i64) -> Result<Tensor> {
    let own = &all[rank];
    let range = chunk(own.shape[dim as usize], rank, all.len());
    let length = range.end - range.start;
    if own.device != Device::Cpu {
        let parts: Result<Vec<_>, _> = all
            .iter()
            .map(|one| one.input.f_narrow(dim, range.start, length))
            .collect();
        return reduce_tensors(parts?.into_iter(), ReduceOp::Sum, own.device);
    }
    let mut shape = own.shape.clone();
    shape[dim as usize] = length;
    let output = Tensor::f_empty(&shape, (own.kind, Device::Cpu))?;
    // The chunk is a run of `run` elements in each of the blocks that the dimensions before `dim` count.
    let inner = own.shape[dim as usize + 1..].iter().product::<i64>();
    let outer = own.shape[..dim as usize].iter().product::<i64>();
    let size = own.kind.elt_size_in_bytes();
    let run = (length * inner) as usize;
    for block in 0..outer {
        let from = (block * own.shape[dim as usize] + range.start) * inner;
        let to = block as usize * run;
        // SAFETY: `fits` has shown that all inputs are contiguous CPU tensors of this kind and shape, which
        // the contributions keep alive and nobody writes; `output` is new.
        unsafe {
            let inputs: Vec<_> = all
                .iter()
                .map(|one| one.from.add(from as usize * size))
                .collect();
            let output = output.data_ptr().cast::<u8>().add(to * size);
            reduce(own.kind, ReduceOp::Sum, &inputs, &[output], run);
        }
    }
    Ok(output)
}

/// Reduces with tensor operations, for devices that plain memory access does not reach.
fn reduce_tensors(
    mut parts: impl Iterator<Item = Tensor>,
    op: ReduceOp,
    device: Device,
) -> Result<Tensor> {
    let first = parts.next().expect("a group has at least two ranks");
    let kind = first.f_kind()?;
    let wide = if matches!(kind, Kind::Half | Kind::BFloat16) {
        Kind::Float
    } else {
        kind
    };
    let mut sum = first.f_to_device(device)?.f_to_dtype(wide, false, true)?;
    for part in parts {
        let part = part.f_to_device(device)?;
        sum = match op {
            ReduceOp::Sum => sum.f_add_(&part)?,
            ReduceOp::Max => sum.f_maximum(&part.f_to_kind(wide)?)?,
        };
    }
    Ok(sum.f_to_kind(kind)?)
}
