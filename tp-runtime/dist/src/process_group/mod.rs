//! A group of ranks as one of them sees it.

mod agree;

use std::sync::Arc;
use std::time::Duration;

use tch::{Device, Kind, Tensor};
use tp_plan::chunk;

use crate::backend::{Backend, Job, Member, Registration, Request};
use crate::counts::Counters;
use crate::{
    CommCounts, CommError, DEFAULT_TIMEOUT, Error, Operation, Participant, ReduceOp, Result, Work,
};

/// The ranks that make collectives together, as one of them sees the group.
///
/// Every rank of the group makes the same calls in the same order. `site` says what a collective is for,
/// such as `model.layers.3.mlp.down_proj (Rowwise)`, and appears in errors. Results have no gradient
/// history. In a group of one rank every collective is a no-op.
#[derive(Clone)]
pub struct ProcessGroup(Arc<Inner>);

struct Inner {
    rank: usize,
    /// The ranks' numbers in the world.
    ranks: Vec<usize>,
    name: &'static str,
    timeout: Duration,
    /// `None` for a group of one rank.
    backend: Option<Box<dyn Backend>>,
    counts: Arc<Counters>,
    job: Arc<Job>,
}

impl ProcessGroup {
    /// A group of one rank, which needs nobody.
    pub fn single() -> Self {
        Self(Arc::new(Inner {
            rank: 0,
            ranks: vec![0],
            name: "local",
            timeout: DEFAULT_TIMEOUT,
            backend: None,
            counts: Arc::default(),
            job: Arc::new(Job::new(1)),
        }))
    }

    /// Meets the ranks of the world.
    pub(crate) fn connect(backend: &Registration, member: Member) -> Result<Self> {
        let (rank, timeout, job) = (member.rank, member.timeout, member.job.clone());
        let ranks = (0..member.world_size).collect();
        let connected = match member.world_size {
            1 => None,
            _ => Some((backend.connect)(member)?),
        };
        Ok(Self(Arc::new(Inner {
            rank,
            ranks,
            name: backend.name,
            timeout,
            backend: connected,
            counts: Arc::default(),
            job,
        })))
    }

    /// This rank's number in the group.
    pub fn rank(&self) -> usize {
        self.0.rank
    }

    /// How many ranks there are.
    pub fn size(&self) -> usize {
        self.0.ranks.len()
    }

    /// The ranks' numbers in the world.
    pub fn ranks(&self) -> &[usize] {
        &self.0.ranks
    }

    /// The backend's name, such as `local`, `gloo` or `nccl`.
    pub fn backend(&self) -> &'static str {
        self.0.name
    }

    /// How long a rank waits for the others.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Reduces `tensor` over the ranks; all of them get the same bits. The result may take over the
    /// memory of `tensor` where no other tensor shares it: a gradient that autograd hands to several
    /// readers stays as it is, memory given to `Tensor::from_blob` may not.
    ///
    /// # Errors
    /// When the ranks' tensors do not match, another rank fails, or the timeout passes.
    pub fn all_reduce(&self, tensor: Tensor, op: ReduceOp, site: &str) -> Result<Tensor> {
        self.start_all_reduce(tensor, op, site).wait()
    }

    /// Joins the ranks' chunks of `dim`, whose whole length is `length`.
    ///
    /// # Shapes
    /// `tensor` has this rank's [`chunk`] of `length` in `dim`, which may be empty.
    ///
    /// # Errors
    /// When a rank's tensor is not its chunk, another rank fails, or the timeout passes.
    pub fn all_gather(&self, tensor: &Tensor, dim: i64, length: i64, site: &str) -> Result<Tensor> {
        self.start_all_gather(tensor, dim, length, site).wait()
    }

    /// Sums `tensor` over the ranks and gives each its [`chunk`] of `dim`.
    ///
    /// # Errors
    /// When the ranks' tensors do not match, another rank fails, or the timeout passes.
    pub fn reduce_scatter(&self, tensor: &Tensor, dim: i64, site: &str) -> Result<Tensor> {
        self.start_reduce_scatter(tensor, dim, site).wait()
    }

    /// Gives every rank the tensor of rank `source`.
    ///
    /// # Shapes
    /// Every rank gives a tensor of the same shape and kind.
    ///
    /// # Errors
    /// When the ranks' tensors do not match, another rank fails, or the timeout passes.
    pub fn broadcast(&self, tensor: Tensor, source: usize, site: &str) -> Result<Tensor> {
        self.start_broadcast(tensor, source, site).wait()
    }

    /// Waits until every rank has come here.
    ///
    /// # Errors
    /// When another rank fails, or the timeout passes.
    pub fn barrier(&self, site: &str) -> Result<()> {
        let nothing = Tensor::f_zeros([0], (Kind::Uint8, Device::Cpu))?;
        self.start(Operation::Barrier, nothing, site, 0)
            .wait()
            .map(drop)
    }

    /// [`all_reduce`](Self::all_reduce) with a handle.
    pub fn start_all_reduce(&self, tensor: Tensor, op: ReduceOp, site: &str) -> Work {
        let bytes = bytes(&tensor);
        self.start(Operation::AllReduce(op), tensor, site, bytes)
    }

    /// [`all_gather`](Self::all_gather) with a handle.
    pub fn start_all_gather(&self, tensor: &Tensor, dim: i64, length: i64, site: &str) -> Work {
        let name = "all_gather";
        let (dim, shape) = match self.dim(tensor, dim, name, site) {
            Ok(dim) => dim,
            Err(error) => return Work::done(Err(error)),
        };
        let held = chunk(length, self.rank(), self.size());
        let expected = held.end - held.start;
        if shape[dim] != expected {
            let message = format!(
                "a tensor of shape {shape:?} is not this rank's chunk of dimension {dim}: \
                 {length} over {} ranks leaves {expected} here",
                self.size()
            );
            return Work::done(Err(self.argument(name, site, message)));
        }
        let row = bytes(tensor)
            .checked_div(expected as usize)
            .unwrap_or_else(|| {
                let others = shape.iter().enumerate().filter(|(other, _)| *other != dim);
                let numel: i64 = others.map(|(_, length)| length).product();
                numel as usize * tensor.kind().elt_size_in_bytes()
            });
        let operation = Operation::AllGather {
            dim: dim as i64,
            length,
        };
        self.start(
            operation,
            tensor.shallow_clone(),
            site,
            row * length as usize,
        )
    }

    /// [`reduce_scatter`](Self::reduce_scatter) with a handle.
    pub fn start_reduce_scatter(&self, tensor: &Tensor, dim: i64, site: &str) -> Work {
        match self.dim(tensor, dim, "reduce_scatter", site) {
            Ok((dim, _)) => {
                let operation = Operation::ReduceScatter { dim: dim as i64 };
                self.start(operation, tensor.shallow_clone(), site, bytes(tensor))
            }
            Err(error) => Work::done(Err(error)),
        }
    }

    /// [`broadcast`](Self::broadcast) with a handle.
    pub fn start_broadcast(&self, tensor: Tensor, source: usize, site: &str) -> Work {
        if source >= self.size() {
            let message = format!("there is no rank {source} in a group of {}", self.size());
            return Work::done(Err(self.argument("broadcast", site, message)));
        }
        let bytes = bytes(&tensor);
        self.start(Operation::Broadcast { source }, tensor, site, bytes)
    }

    /// The same ranks as a group of its own, in which they wait `timeout` for each other:
    /// [`Duration::MAX`] is as long as the others live, so that one may write a checkpoint for an hour.
    /// Every rank makes the call; a rank may then use both groups alternately.
    ///
    /// A rank that fails, and a process that dies, end the wait at once as in any group. A host that is
    /// cut off is noticed only by who started the job.
    ///
    /// # Errors
    /// When the ranks cannot connect, which they try for as long as this job's ranks wait.
    pub fn with_timeout(&self, timeout: Duration) -> Result<Self> {
        let everyone: Vec<usize> = (0..self.size()).collect();
        let group = self.part(&everyone, timeout)?;
        Ok(group.expect("this rank is one of all"))
    }

    /// The group of some of the ranks, in ascending order; `None` for a rank that is not among them.
    /// Every rank of this group makes the call.
    ///
    /// # Errors
    /// When `ranks` are not ranks of this group in ascending order, or the ranks cannot connect.
    pub fn subgroup(&self, ranks: &[usize]) -> Result<Option<Self>> {
        let ascending = ranks.is_sorted_by(|a, b| a < b);
        if ranks.is_empty() || !ascending || ranks[ranks.len() - 1] >= self.size() {
            let size = self.size();
            let message = format!(
                "{ranks:?} is no subgroup of {size} ranks: name some of 0..{size} in ascending order"
            );
            return Err(self.argument("subgroup", "a new group", message));
        }
        self.part(ranks, self.timeout())
    }

    /// The group of `ranks`, which are known to be ranks of this one in ascending order.
    fn part(&self, ranks: &[usize], timeout: Duration) -> Result<Option<Self>> {
        let backend = match &self.0.backend {
            Some(backend) if ranks.len() > 1 => backend.subgroup(ranks, timeout)?,
            _ => None,
        };
        let Some(rank) = ranks.iter().position(|&rank| rank == self.rank()) else {
            return Ok(None);
        };
        let Inner {
            name, counts, job, ..
        } = &*self.0;
        Ok(Some(Self(Arc::new(Inner {
            rank,
            ranks: ranks.iter().map(|&rank| self.0.ranks[rank]).collect(),
            name,
            timeout,
            backend,
            counts: Arc::new(Counters::within(counts.clone())),
            job: job.clone(),
        }))))
    }

    /// What this rank has communicated through the group and its subgroups since the last reset.
    pub fn counts(&self) -> CommCounts {
        self.0.counts.read()
    }

    /// Starts counting again.
    pub fn reset_counts(&self) {
        self.0.counts.reset();
    }

    fn start(&self, operation: Operation, tensor: Tensor, site: &str, bytes: usize) -> Work {
        let detached = if tensor.requires_grad() {
            tensor.detach()
        } else {
            tensor
        };
        let Some(backend) = &self.0.backend else {
            return Work::done(Ok(detached));
        };
        self.0.counts.record(operation, bytes);
        let site = site.to_owned();
        match backend.start(Request { operation, site }, detached) {
            Ok(pending) => Work::running(pending, self.number(), self.0.job.clone()),
            Err(error) => Work::done(Err(error)),
        }
    }

    /// This rank's number in the world.
    fn number(&self) -> usize {
        self.0.ranks[self.rank()]
    }

    /// The non-negative dimension, and the shape.
    fn dim(
        &self,
        tensor: &Tensor,
        dim: i64,
        name: &'static str,
        site: &str,
    ) -> Result<(usize, Vec<i64>)> {
        let shape = tensor.size();
        let count = shape.len() as i64;
        if (-count..count).contains(&dim) {
            return Ok(((if dim < 0 { dim + count } else { dim }) as usize, shape));
        }
        let message = format!("a tensor of shape {shape:?} has no dimension {dim}");
        Err(self.argument(name, site, message))
    }

    fn argument(&self, collective: &'static str, site: &str, message: String) -> Error {
        let who = Participant {
            rank: self.number(),
            collective,
            site: site.to_owned(),
        };
        CommError::Argument { who, message }.into()
    }
}

fn bytes(tensor: &Tensor) -> usize {
    tensor.numel() * tensor.kind().elt_size_in_bytes()
}
