//! Grids of data-parallel and tensor-parallel ranks, as threads.

use std::time::Duration;

use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::testing::device;
use tp_runtime::{Mode, Result};

/// How many ranks share a batch, how many a model, and by which column of its plan.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Data-parallel ranks.
    pub dp: usize,
    /// Tensor-parallel ranks.
    pub tp: usize,
    /// The column of the plan.
    pub mode: Mode,
}

impl Grid {
    /// A grid of so many ranks.
    pub const fn new(dp: usize, tp: usize, mode: Mode) -> Self {
        Self { dp, tp, mode }
    }

    /// Runs `body` on every rank.
    ///
    /// # Panics
    /// When a rank fails.
    pub fn launch<T: Send>(self, body: impl Fn(RankContext) -> Result<T> + Sync) -> T {
        let job = Launch {
            timeout: Duration::from_secs(60),
            // Tiny tensors: more threads would only wait for one another.
            threads_per_rank: Some(1),
            device: device(),
            ..Launch::new(self.dp * self.tp)
        };
        launch(&job, body).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}
