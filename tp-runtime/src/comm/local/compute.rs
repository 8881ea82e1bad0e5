//! What one rank makes of the tensors that all ranks show.

use tch::{Cuda, Device, Kind, Tensor};

use super::super::{Call, Collective, CommError, ReduceOp};
use super::exchange::Shown;
use super::reduce::{reduce, supports};
use crate::Result;
use crate::plan::chunk;

/// What a rank shows: its call, its tensor, and where others may read and write it.
pub(super) struct Entry {
    pub(super) call: Call,
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
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// Prepares a detached tensor for its collective; `rank` is the rank in the job.
    pub(super) fn new(call: Call, tensor: Tensor, rank: usize) -> Result<Self> {
        let reduces = matches!(
            call.collective,
            Collective::AllReduce(_) | Collective::ReduceScatter { .. }
        );
        let (kind, device) = (tensor.f_kind()?, tensor.device());
        if reduces && !supports(kind) {
            let message =
                format!("tensors of kind {kind:?} cannot be reduced: convert them to numbers");
            return Err(CommError::Argument {
                place: call.place(rank),
                message,
            }
            .into());
        }
        let input = if reduces && !tensor.is_contiguous() {
            tensor.f_contiguous()?
        } else {
            tensor
        };
        let output = match call.collective {
            Collective::AllReduce(_) if device == Device::Cpu => Some(output_for(&input)?),
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
            call,
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
    fn describe(&self, rank: usize) -> String {
        let Call { collective, site } = &self.call;
        let tensor = match collective {
            Collective::Barrier => String::new(),
            _ => format!(" of {:?} {:?} on {:?}", self.kind, self.shape, self.device),
        };
        format!("rank {rank} calls {collective}{tensor} for `{site}`")
    }

    /// Whether both ranks make the same call with tensors that fit.
    fn fits(&self, other: &Self) -> bool {
        let shapes_fit = match self.call.collective {
            // The length along `dim` is each rank's own chunk.
            Collective::AllGather { dim, .. } => {
                let others =
                    |shape: &[i64]| [&shape[..dim as usize], &shape[dim as usize + 1..]].concat();
                self.shape.len() == other.shape.len() && others(&self.shape) == others(&other.shape)
            }
            _ => self.shape == other.shape,
        };
        self.call.collective == other.call.collective
            && self.kind == other.kind
            && shapes_fit
            && std::mem::discriminant(&self.device) == std::mem::discriminant(&other.device)
    }
}

/// The tensor itself where nobody else can see its memory, else a new one.
fn output_for(input: &Tensor) -> Result<Tensor> {
    Ok(if crate::ffi::is_unshared(input)? {
        input.shallow_clone()
    } else {
        input.f_empty_like()?
    })
}

/// This rank's part of a collective.
pub(super) fn compute(rank: usize, shown: &Shown<'_, Entry>) -> Result<Tensor> {
    let own = &shown[rank];
    if let Some(peer) = (0..shown.len()).find(|&peer| !own.fits(&shown[peer])) {
        let ours = own.describe(shown.ranks()[rank]);
        let theirs = shown[peer].describe(shown.ranks()[peer]);
        return Err(CommError::Mismatch { ours, theirs }.into());
    }
    let result = match own.call.collective {
        Collective::AllReduce(op) => all_reduce(rank, shown, op),
        Collective::AllGather { dim, .. } => {
            let parts = shown
                .iter()
                .map(|entry| entry.input.f_to_device(own.device));
            Ok(Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, dim)?)
        }
        Collective::ReduceScatter { dim } => reduce_scatter(rank, shown, dim),
        Collective::Broadcast { source } if source == rank => Ok(own.input.shallow_clone()),
        Collective::Broadcast { source } => {
            let input = &shown[source].input;
            Ok(input.f_to_device_(own.device, input.f_kind()?, false, true)?)
        }
        Collective::Barrier => Ok(Tensor::new()),
    };
    if let Device::Cuda(index) = own.device {
        // The others' tensors may be gone once this rank says that it has looked.
        Cuda::synchronize(index as i64);
    }
    result
}

/// Reduces this rank's share of the elements and writes it to every rank's output.
fn all_reduce(rank: usize, shown: &Shown<'_, Entry>, op: ReduceOp) -> Result<Tensor> {
    let own = &shown[rank];
    let Some(output) = &own.output else {
        return reduce_tensors(
            shown.iter().map(|entry| entry.input.shallow_clone()),
            op,
            own.device,
        );
    };
    let size = own.kind.elt_size_in_bytes();
    let numel = own.shape.iter().product::<i64>() as usize;
    // Whole cache lines, so that two ranks never write the same one.
    let share = numel.div_ceil(shown.len()).next_multiple_of(64 / size);
    let start = (share * rank).min(numel);
    let length = share.min(numel - start);
    // SAFETY: `fits` has shown that all tensors are contiguous CPU tensors of this kind and shape, which
    // the entries keep alive. Each rank touches its own share only. An output is its rank's input or
    // new memory: `output_for` saw that nobody else holds it.
    unsafe {
        let inputs: Vec<_> = shown
            .iter()
            .map(|entry| entry.from.add(start * size))
            .collect();
        let outputs: Vec<_> = shown
            .iter()
            .map(|entry| entry.to.add(start * size))
            .collect();
        reduce(own.kind, op, &inputs, &outputs, length);
    }
    Ok(output.shallow_clone())
}

/// Sums this rank's chunk of `dim`.
fn reduce_scatter(rank: usize, shown: &Shown<'_, Entry>, dim: i64) -> Result<Tensor> {
    let own = &shown[rank];
    let range = chunk(own.shape[dim as usize], rank, shown.len());
    let length = range.end - range.start;
    if own.device != Device::Cpu {
        let parts: Result<Vec<_>, _> = shown
            .iter()
            .map(|entry| entry.input.f_narrow(dim, range.start, length))
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
        // the entries keep alive and nobody writes; `output` is new.
        unsafe {
            let inputs: Vec<_> = shown
                .iter()
                .map(|entry| entry.from.add(from as usize * size))
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
