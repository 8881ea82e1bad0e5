//! What a rank is given to work with.

use tch::Device;

use crate::{DeviceMesh, ProcessGroup, Result};

/// A rank of a job, as the closure of [`launch`](crate::launch) is given it.
#[derive(Clone)]
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

    /// Lays all ranks out over named dimensions, the last one fastest. Every rank makes the call.
    ///
    /// # Errors
    /// When the sizes do not multiply to the world size, a name occurs twice, or the ranks cannot connect.
    pub fn mesh(&self, dimensions: &[(&str, usize)]) -> Result<DeviceMesh> {
        DeviceMesh::new(self.world.clone(), dimensions)
    }
}
