//! A group of ranks as one of them sees it.

use std::sync::Arc;
use std::time::Duration;

use tch::{Device, Kind, Tensor};

use super::job::Job;
use super::traffic::Counters;
use super::{
    Backend, Call, Collective, CommError, DEFAULT_TIMEOUT, Place, ReduceOp, Traffic, Work,
};
use crate::Result;
use crate::plan::chunk;

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
    traffic: Arc<Counters>,
    job: Arc<Job>,
}

impl ProcessGroup {
    /// A group of one rank, which needs nobody.
    pub fn single() -> Self {
        Self::new(
            "local",
            0,
            vec![0],
            DEFAULT_TIMEOUT,
            None,
            Arc::new(Job::new(1)),
        )
    }

    pub(super) fn new(
        name: &'static str,
        rank: usize,
        ranks: Vec<usize>,
        timeout: Duration,
        backend: Option<Box<dyn Backend>>,
        job: Arc<Job>,
    ) -> Self {
        let traffic = Arc::new(Counters::default());
        Self(Arc::new(Inner {
            rank,
            ranks,
            name,
            timeout,
            backend,
            traffic,
            job,
        }))
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

    /// The backend: `local`, `gloo` or `nccl`.
    pub fn backend(&self) -> &'static str {
        self.0.name
    }

    /// How long a rank waits for the others.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Reduces `tensor` over the ranks; all of them get the same bits. The result may take over the
    /// memory of `tensor` where nobody else can see it.
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
        self.start(Collective::Barrier, nothing, site, 0)
            .wait()
            .map(drop)
    }

    /// [`all_reduce`](Self::all_reduce) with a handle.
    pub fn start_all_reduce(&self, tensor: Tensor, op: ReduceOp, site: &str) -> Work {
        let bytes = bytes(&tensor);
        self.start(Collective::AllReduce(op), tensor, site, bytes)
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
        let collective = Collective::AllGather {
            dim: dim as i64,
            length,
        };
        self.start(
            collective,
            tensor.shallow_clone(),
            site,
            row * length as usize,
        )
    }

    /// [`reduce_scatter`](Self::reduce_scatter) with a handle.
    pub fn start_reduce_scatter(&self, tensor: &Tensor, dim: i64, site: &str) -> Work {
        match self.dim(tensor, dim, "reduce_scatter", site) {
            Ok((dim, _)) => {
                let collective = Collective::ReduceScatter { dim: dim as i64 };
                self.start(collective, tensor.shallow_clone(), site, bytes(tensor))
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
        self.start(Collective::Broadcast { source }, tensor, site, bytes)
    }

    /// Lets every rank know how all of them fared: gives this rank's value if none failed.
    ///
    /// # Errors
    /// On the first rank that failed, its error; on the others, that rank and its message.
    pub fn agree<T>(&self, outcome: Result<T>, site: &str) -> Result<T> {
        if self.size() == 1 {
            return outcome;
        }
        let message = match &outcome {
            Ok(_) => String::new(),
            Err(error) => format!("{error} "),
        };
        let length = Tensor::from_slice(&[message.len() as i64]);
        let lengths = self.all_gather(&length, 0, self.size() as i64, site)?;
        let lengths = Vec::<i64>::try_from(lengths)?;
        let Some(failed) = lengths.iter().position(|&length| length > 0) else {
            return outcome;
        };
        let mut text = vec![0; lengths[failed] as usize];
        if failed == self.rank() {
            text.copy_from_slice(message.as_bytes());
        }
        let text = self.broadcast(Tensor::from_slice(&text), failed, site)?;
        if failed == self.rank() {
            return outcome;
        }
        self.0.job.disturb(self.0.ranks[self.rank()]);
        let text = String::from_utf8_lossy(&Vec::<u8>::try_from(text)?)
            .trim_end()
            .to_owned();
        Err(CommError::RankFailed(super::Failure {
            rank: self.0.ranks[failed],
            panicked: false,
            message: text,
        })
        .into())
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
        let backend = match &self.0.backend {
            Some(backend) if ranks.len() > 1 => backend.subgroup(ranks)?,
            _ => None,
        };
        let Some(rank) = ranks.iter().position(|&rank| rank == self.rank()) else {
            return Ok(None);
        };
        let Inner {
            name,
            timeout,
            traffic,
            job,
            ..
        } = &*self.0;
        Ok(Some(Self(Arc::new(Inner {
            rank,
            ranks: ranks.iter().map(|&rank| self.0.ranks[rank]).collect(),
            name,
            timeout: *timeout,
            backend,
            traffic: Arc::new(Counters::within(traffic.clone())),
            job: job.clone(),
        }))))
    }

    /// What this rank has communicated through the group and its subgroups since the last reset.
    pub fn traffic(&self) -> Traffic {
        self.0.traffic.read()
    }

    /// Starts counting again.
    pub fn reset_traffic(&self) {
        self.0.traffic.reset();
    }

    fn start(&self, collective: Collective, tensor: Tensor, site: &str, bytes: usize) -> Work {
        let detached = if tensor.requires_grad() {
            tensor.detach()
        } else {
            tensor
        };
        let Some(backend) = &self.0.backend else {
            return Work::done(Ok(detached));
        };
        self.0.traffic.record(collective, bytes);
        match backend.start(
            Call {
                collective,
                site: site.to_owned(),
            },
            detached,
        ) {
            Ok(pending) => Work::running(pending),
            Err(error) => Work::done(Err(error)),
        }
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

    fn argument(&self, collective: &'static str, site: &str, message: String) -> crate::Error {
        let rank = self.0.ranks[self.rank()];
        CommError::Argument {
            place: Place {
                rank,
                collective,
                site: site.to_owned(),
            },
            message,
        }
        .into()
    }
}

fn bytes(tensor: &Tensor) -> usize {
    tensor.numel() * tensor.kind().elt_size_in_bytes()
}
