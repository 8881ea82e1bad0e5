//! A rank's side of a Gloo or NCCL group.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tch::Tensor;
use tp_plan::chunk;

use super::layout::{pack, room};
use super::member::{GroupMember, Library};
use super::work::{C10dWork, Origin};
use crate::backend::{Backend, Pending, Request};
use crate::ffi::c10d::{Group, Store};
use crate::ffi::is_unshared;
use crate::{Operation, ReduceOp, Result};

/// libtorch's flight recorder keeps an unguarded map of all Gloo groups of a process, so ranks that
/// are threads begin their collectives one after the other. NCCL groups cannot: there a rank's first
/// collective waits for the other ranks.
static FLIGHT_RECORDER: Mutex<()> = Mutex::new(());

/// One rank of a group that libtorch joins.
pub(super) struct C10dGroup {
    member: GroupMember,
    store: Store,
    /// c10d matches calls by their order, so a rank makes them one at a time.
    group: Mutex<Group>,
    subgroups: AtomicUsize,
}

impl C10dGroup {
    /// Meets the other ranks at the store.
    pub(super) fn join(member: GroupMember, store: Store) -> Result<Self> {
        let group = Mutex::new(member.meet(&store)?);
        Ok(Self {
            member,
            store,
            group,
            subgroups: AtomicUsize::new(0),
        })
    }

    /// The tensor where the backend reads it, in one piece.
    fn carried(&self, tensor: Tensor) -> Result<Tensor> {
        let tensor = match self.member.library {
            Library::Gloo(_) => tensor,
            #[cfg(feature = "nccl")]
            Library::Nccl(device) => tensor.f_to_device(device)?,
        };
        Ok(if tensor.is_contiguous() {
            tensor
        } else {
            tensor.f_contiguous()?
        })
    }

    fn begin(&self, operation: Operation, tensor: Tensor, origin: Origin) -> Result<C10dWork> {
        let home = tensor.device();
        let tensor = self.carried(tensor)?;
        let (rank, size) = (self.member.rank, self.member.ranks.len());
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = matches!(self.member.library, Library::Gloo(_)).then(|| {
            FLIGHT_RECORDER
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        });
        let (work, result, packed) = match operation {
            Operation::AllReduce(op) => {
                let result = writable(tensor)?;
                let work =
                    (result.numel() > 0).then(|| group.all_reduce(&result, op == ReduceOp::Max));
                (work, result, None)
            }
            Operation::Broadcast { source } => {
                let result = writable(tensor)?;
                let work = (result.numel() > 0).then(|| group.broadcast(&result, source));
                (work, result, None)
            }
            Operation::AllGather { dim, length } => {
                let rows = longest_chunk(length, size);
                let input = pack(&tensor, dim, rows)?;
                let result = room(&input, rows * size as i64)?;
                let work = (result.numel() > 0).then(|| group.all_gather(&result, &input));
                (work, result, Some((dim, length)))
            }
            Operation::ReduceScatter { dim } => {
                let length = tensor.size()[dim as usize];
                let rows = longest_chunk(length, size);
                let input = pack(&tensor, dim, rows * size as i64)?;
                let result = room(&input, rows)?;
                let work = (input.numel() > 0).then(|| group.reduce_scatter(&result, &input));
                let own = chunk(length, rank, size);
                (work, result, Some((dim, own.end - own.start)))
            }
            Operation::Barrier => (Some(group.barrier()), tensor, None),
        };
        drop(recorder);
        let work = work.transpose().map_err(|error| origin.fault(error))?;
        Ok(C10dWork {
            work,
            result,
            packed,
            home,
            origin,
        })
    }
}

impl Backend for C10dGroup {
    fn start(&self, request: Request, tensor: Tensor) -> Result<Box<dyn Pending>> {
        let GroupMember {
            library,
            rank,
            ranks,
            job,
            ..
        } = &self.member;
        let origin = Origin {
            backend: library.name(),
            who: request.participant(ranks[*rank]),
            ranks: ranks.clone(),
            job: job.clone(),
        };
        let work = tch::no_grad(|| self.begin(request.operation, tensor, origin))?;
        Ok(Box::new(work))
    }

    fn subgroup(&self, ranks: &[usize], timeout: Duration) -> Result<Option<Box<dyn Backend>>> {
        let index = self.subgroups.fetch_add(1, SeqCst);
        let Some(rank) = ranks.iter().position(|&rank| rank == self.member.rank) else {
            return Ok(None);
        };
        let ranks = ranks.iter().map(|&rank| self.member.ranks[rank]).collect();
        let store = self.store.prefixed(&format!("group{index}"))?;
        let member = GroupMember {
            rank,
            ranks,
            timeout,
            ..self.member.clone()
        };
        Ok(Some(Box::new(Self::join(member, store)?)))
    }
}

/// The tensor itself where nobody else can see its memory, else a copy.
fn writable(tensor: Tensor) -> Result<Tensor> {
    if is_unshared(&tensor)? {
        return Ok(tensor);
    }
    Ok(tensor.f_to_dtype(tensor.f_kind()?, false, true)?)
}

fn longest_chunk(length: i64, size: usize) -> i64 {
    let first = chunk(length, 0, size);
    first.end - first.start
}
