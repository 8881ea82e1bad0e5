//! Starts the ranks of a job: threads of this process, or this process as one rank of several.

mod environment;
mod ranks;
mod run;

use std::time::Duration;

use tch::Device;

use super::{CommError, ProcessGroup};
use crate::Result;
use environment::Environment;

/// How long ranks wait for each other unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// What carries out the collectives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// Threads of one process over shared memory.
    Local,
    /// libtorch's Gloo: threads, processes or hosts; CPU and CUDA tensors.
    Gloo,
    /// libtorch's NCCL: one GPU per rank.
    Nccl,
}

impl BackendKind {
    /// The name, as PyTorch has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Gloo => "gloo",
            Self::Nccl => "nccl",
        }
    }
}

/// What the ranks compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU per rank, by local rank.
    Cuda,
}

/// How to start a job.
#[derive(Clone, Debug)]
pub struct Launch {
    /// How many ranks.
    pub world_size: usize,
    /// What carries out the collectives; by default Gloo under `torchrun` and shared memory otherwise.
    pub backend: Option<BackendKind>,
    /// How long ranks wait for each other.
    pub timeout: Duration,
    /// libtorch's threads per rank; by default the cores divided by the ranks on this machine.
    pub threads_per_rank: Option<usize>,
    /// What the ranks compute on.
    pub device: DeviceKind,
}

impl Launch {
    /// `world_size` ranks with the defaults, on the CPU.
    pub fn new(world_size: usize) -> Self {
        let (backend, threads_per_rank) = (None, None);
        let (timeout, device) = (DEFAULT_TIMEOUT, DeviceKind::Cpu);
        Self {
            world_size,
            backend,
            timeout,
            threads_per_rank,
            device,
        }
    }
}

/// What a rank is given to work with.
pub struct RankContext {
    /// All ranks of the job.
    pub world: ProcessGroup,
    /// Where this rank computes.
    pub device: Device,
}

impl RankContext {
    /// This rank.
    pub fn rank(&self) -> usize {
        self.world.rank()
    }

    /// How many ranks there are.
    pub fn world_size(&self) -> usize {
        self.world.size()
    }
}

/// Runs `body` on every rank and returns the value of this process's lowest one.
///
/// With RANK and WORLD_SIZE in the environment, as `torchrun` sets them, this process is one rank;
/// otherwise the ranks are threads.
///
/// ```no_run
/// use tch::Tensor;
/// use tp_runtime::comm::{Launch, ReduceOp, launch};
///
/// let sum = launch(&Launch::new(2), |rank| {
///     let own = Tensor::from_slice(&[rank.rank() as f32]);
///     rank.world.all_reduce(own, ReduceOp::Sum, "the sum of all ranks")
/// })?;
/// assert_eq!(sum.double_value(&[0]), 1.0);
/// # Ok::<(), tp_runtime::Error>(())
/// ```
///
/// # Errors
/// The failure of the first rank that failed by itself, whether it returned an error or panicked; or
/// options that the environment does not allow.
pub fn launch<T, E>(
    options: &Launch,
    body: impl Fn(RankContext) -> std::result::Result<T, E> + Sync,
) -> Result<T>
where
    T: Send,
    E: std::fmt::Display,
{
    if options.world_size == 0 {
        return Err(CommError::Launch("a job needs at least one rank".into()).into());
    }
    match Environment::read()? {
        Some(environment) => ranks::process(options, environment, &body),
        None => ranks::threads(options, &body),
    }
}
