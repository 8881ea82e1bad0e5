//! How a job is to be started.

use std::time::Duration;

/// How long ranks wait for each other unless told otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

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
    /// What carries out the collectives, by its [name](crate::backend::all); by default `gloo` under
    /// `torchrun` and `local` otherwise.
    pub backend: Option<&'static str>,
    /// How long ranks wait for each other; [`Duration::MAX`] is for ever.
    pub timeout: Duration,
    /// libtorch's threads per rank; by default the cores divided by the ranks on this machine.
    pub threads_per_rank: Option<usize>,
    /// What the ranks compute on.
    pub device: DeviceKind,
}

impl Launch {
    /// `world_size` ranks with the defaults, on the CPU.
    pub fn new(world_size: usize) -> Self {
        Self {
            world_size,
            backend: None,
            timeout: DEFAULT_TIMEOUT,
            threads_per_rank: None,
            device: DeviceKind::Cpu,
        }
    }
}
