//! A rank's side of a Gloo or NCCL group.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tch::{Device, Tensor};

use super::layout::{pack, room};
use super::work::{C10dWork, Origin};
use crate::Result;
use crate::comm::job::Job;
use crate::comm::work::Pending;
use crate::comm::{Backend, BackendKind, Call, Collective, CommError, ReduceOp};
use crate::ffi::c10d::{Group, Store};
use crate::plan::chunk;

/// libtorch's flight recorder keeps an unguarded map of all Gloo groups of a process, so ranks that
/// are threads begin their collectives one after the other. NCCL groups cannot: there a rank's first
/// collective waits for the other ranks.
static FLIGHT_RECORDER: Mutex<()> = Mutex::new(());

/// One rank of a group that libtorch joins.
pub(in super::super) struct C10dGroup {
    member: Member,
    store: Store,
    /// c10d matches calls by their order, so a rank makes them one at a time.
    group: Mutex<Group>,
    subgroups: AtomicUsize,
}

/// A rank that is to join a group.
#[derive(Clone)]
pub(in super::super) struct Member {
    pub(in super::super) kind: BackendKind,
    /// The rank in the group.
    pub(in super::super) rank: usize,
    /// The ranks' numbers in the world.
    pub(in super::super) ranks: Vec<usize>,
    pub(in super::super) device: Device,
    pub(in super::super) timeout: Duration,
    pub(in super::super) job: Arc<Job>,
}

impl C10dGroup {
    /// Meets the other ranks at the store.
    pub(in super::super) fn join(member: Member, store: Store) -> Result<Self> {
        let (rank, size) = (member.rank, member.ranks.len());
        let group = match member.kind {
            BackendKind::Gloo => Group::gloo(&store, rank, size, member.timeout),
            #[cfg(feature = "nccl")]
            BackendKind::Nccl => Group::nccl(&store, rank, size, member.timeout),
            other => {
                let name = other.name();
                let message = format!("this build has no `{name}`: build with `--features {name}`");
                return Err(CommError::Launch(message).into());
            }
        };
        let group = group.map_err(|error| {
            let (backend, message) = (member.kind.name(), error.to_string());
            CommError::Setup {
                backend,
                rank: member.ranks[rank],
                size,
                message,
            }
        })?;
        Ok(Self {
            member,
            store,
            group: Mutex::new(group),
            subgroups: AtomicUsize::new(0),
        })
    }

    /// The tensor where the backend reads it, in one piece.
    fn carried(&self, tensor: Tensor) -> Result<Tensor> {
        let tensor = match self.member.kind {
            BackendKind::Nccl => tensor.f_to_device(self.member.device)?,
            _ => tensor,
        };
        Ok(if tensor.is_contiguous() {
            tensor
        } else {
            tensor.f_contiguous()?
        })
    }

    fn begin(&self, collective: Collective, tensor: Tensor, origin: Origin) -> Result<C10dWork> {
        let home = tensor.device();
        let tensor = self.carried(tensor)?;
        let (rank, size) = (self.member.rank, self.member.ranks.len());
        let group = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let recorder = (self.member.kind == BackendKind::Gloo).then(|| {
            FLIGHT_RECORDER
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        });
        let (work, result, packed) = match collective {
            Collective::AllReduce(op) => {
                let result = writable(tensor)?;
                let work =
                    (result.numel() > 0).then(|| group.all_reduce(&result, op == ReduceOp::Max));
                (work, result, None)
            }
            Collective::Broadcast { source } => {
                let result = writable(tensor)?;
                let work = (result.numel() > 0).then(|| group.broadcast(&result, source));
                (work, result, None)
            }
            Collective::AllGather { dim, length } => {
                let rows = longest_chunk(length, size);
                let input = pack(&tensor, dim, rows)?;
                let result = room(&input, rows * size as i64)?;
                let work = (result.numel() > 0).then(|| group.all_gather(&result, &input));
                (work, result, Some((dim, length)))
            }
            Collective::ReduceScatter { dim } => {
                let length = tensor.size()[dim as usize];
                let rows = longest_chunk(length, size);
                let input = pack(&tensor, dim, rows * size as i64)?;
                let result = room(&input, rows)?;
                let work = (input.numel() > 0).then(|| group.reduce_scatter(&result, &input));
                let own = chunk(length, rank, size);
                (work, result, Some((dim, own.end - own.start)))
            }
            Collective::Barrier => (Some(group.barrier()), tensor, None),
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
    fn start(&self, call: Call, tensor: Tensor) -> Result<Box<dyn Pending>> {
        let Member {
            kind,
            rank,
            ranks,
            job,
            ..
        } = &self.member;
        let place = call.place(ranks[*rank]);
        let origin = Origin {
            backend: kind.name(),
            place,
            job: job.clone(),
        };
        let work = tch::no_grad(|| self.begin(call.collective, tensor, origin))?;
        Ok(Box::new(work))
    }

    fn subgroup(&self, ranks: &[usize]) -> Result<Option<Box<dyn Backend>>> {
        let index = self.subgroups.fetch_add(1, SeqCst);
        let Some(rank) = ranks.iter().position(|&rank| rank == self.member.rank) else {
            return Ok(None);
        };
        let ranks = ranks.iter().map(|&rank| self.member.ranks[rank]).collect();
        let store = self.store.prefixed(&format!("group{index}"))?;
        let member = Member {
            rank,
            ranks,
            ..self.member.clone()
        };
        Ok(Some(Box::new(Self::join(member, store)?)))
    }
}

/// The tensor itself where nobody else can see its memory, else a copy.
fn writable(tensor: Tensor) -> Result<Tensor> {
    if crate::ffi::is_unshared(&tensor)? {
        return Ok(tensor);
    }
    Ok(tensor.f_to_dtype(tensor.f_kind()?, false, true)?)
}

fn longest_chunk(length: i64, size: usize) -> i64 {
    let first = chunk(length, 0, size);
    first.end - first.start
}
