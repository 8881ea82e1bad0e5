//! Why a job gave no value.

use crate::backend::UnknownBackend;
use crate::{Error, RankFailure};

/// Why [`launch`](crate::launch) gave no value: `E` is the error type of the ranks' closure.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError<E> {
    /// No rank was started.
    #[error(transparent)]
    Setup(#[from] SetupError),

    /// A rank could not join the others.
    #[error("rank {rank} failed: {error}")]
    Join {
        /// The rank.
        rank: usize,
        /// What kept it.
        error: Error,
    },

    /// The closure returned an error on this rank, before any other rank failed.
    #[error("rank {rank} failed: {error:#}")]
    Failed {
        /// The rank.
        rank: usize,
        /// What it returned.
        error: E,
    },

    /// The closure panicked on this rank, before any other rank failed.
    #[error("rank {rank} panicked: {message}")]
    Panicked {
        /// The rank.
        rank: usize,
        /// The text of the panic.
        message: String,
    },

    /// A failure that the closure was not told of: its handle was dropped, or its thread did not start.
    #[error("{0}")]
    Unreturned(RankFailure),
}

impl<E> LaunchError<E> {
    /// The same with another type of error.
    pub fn map<F>(self, change: impl FnOnce(E) -> F) -> LaunchError<F> {
        match self {
            Self::Setup(error) => LaunchError::Setup(error),
            Self::Join { rank, error } => LaunchError::Join { rank, error },
            Self::Failed { rank, error } => {
                let error = change(error);
                LaunchError::Failed { rank, error }
            }
            Self::Panicked { rank, message } => LaunchError::Panicked { rank, message },
            Self::Unreturned(failure) => LaunchError::Unreturned(failure),
        }
    }
}

/// Options or an environment with which no job can start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A job without ranks.
    #[error("a job needs at least one rank")]
    NoRanks,

    /// More ranks than one process runs.
    #[error(
        "one process runs at most {most} ranks, not {asked}: start processes, as `torchrun` and `srun` do"
    )]
    TooManyThreads {
        /// How many ranks the options ask for.
        asked: usize,
        /// How many there may be.
        most: usize,
    },

    /// More or fewer ranks than there are processes.
    #[error(
        "{asked} ranks are asked for, but {variable}={world_size}: \
         start {asked} processes, or ask for {fitting}"
    )]
    WorldSize {
        /// How many ranks the options ask for.
        asked: usize,
        /// How many the environment makes.
        world_size: usize,
        /// The variable that says so.
        variable: &'static str,
        /// What would fit, such as `6 ranks` or `dp=3, tp=2`.
        fitting: String,
    },

    /// A name that no backend has.
    #[error(transparent)]
    Backend(#[from] UnknownBackend),

    /// A backend for threads, where ranks are processes.
    #[error(
        "the `{backend}` backend joins threads of one process, but `{launcher}` makes this process \
         one rank of several: use `gloo` or `nccl`, or start without `{launcher}`"
    )]
    ThreadsOnly {
        /// The backend.
        backend: &'static str,
        /// Who started the processes, such as `torchrun`.
        launcher: &'static str,
    },

    /// GPUs are asked for, and there are none.
    #[error(
        "this libtorch sees no CUDA device: use the CPU, or a CUDA libtorch on a machine with a GPU"
    )]
    NoCuda,

    /// An environment variable that is missing or wrong.
    #[error("{0}")]
    Environment(String),
}
