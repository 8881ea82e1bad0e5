//! How a job is to be started.

use std::time::Duration;

use crate::mesh;

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
    /// The mesh that the ranks are to form, for the advice of an error; empty where there is none.
    pub mesh: Vec<(&'static str, usize)>,
    /// What carries out the collectives, by its [name](crate::backend::all); by default `gloo` between
    /// processes and `local` between threads.
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
            mesh: Vec::new(),
            backend: None,
            timeout: DEFAULT_TIMEOUT,
            threads_per_rank: None,
            device: DeviceKind::Cpu,
        }
    }

    /// The ranks of a mesh, such as `[("dp", 2), ("tp", 4)]`, which they make with
    /// [`RankContext::mesh`](crate::RankContext::mesh).
    pub fn on_mesh(dimensions: &[(&'static str, usize)]) -> Self {
        Self {
            mesh: dimensions.to_vec(),
            ..Self::new(mesh::product(dimensions))
        }
    }
}
