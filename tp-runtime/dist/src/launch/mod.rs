//! Starts the ranks of a job: threads of this process, or this process as one rank of several.

mod context;
mod environment;
mod error;
mod options;
mod ranks;
mod run;

pub use context::RankContext;
pub(crate) use environment::Environment;
pub use error::{LaunchError, SetupError};
pub use options::{DEFAULT_TIMEOUT, DeviceKind, Launch};

use std::fmt::Display;

/// Runs `body` on every rank and returns the value of this process's lowest one.
///
/// Where `torchrun`, `srun` or Open MPI's `mpirun` has started this process as one of several, it is one
/// rank; otherwise the ranks are threads. So they are in a script of `sbatch` or a shell of `salloc`.
///
/// `torchrun` says where the ranks meet (MASTER_ADDR and MASTER_PORT, which may be set by hand with RANK
/// and WORLD_SIZE). Under `srun` they meet on the first host of the step, and under `mpirun` on their one
/// host or at MASTER_ADDR, by default at a port that follows from the job's id.
///
/// ```
/// use tch::Tensor;
/// use tp_dist::{Launch, LaunchError, ReduceOp, launch};
///
/// let sum = launch(&Launch::new(2), |rank| {
///     let own = Tensor::from_slice(&[rank.rank() as f32]);
///     rank.world.all_reduce(own, ReduceOp::Sum, "the sum of all ranks")
/// })?;
/// assert_eq!(sum.double_value(&[0]), 1.0);
/// # Ok::<(), LaunchError<tp_dist::Error>>(())
/// ```
///
/// # Errors
/// What the first rank that failed by itself returned, or its panic; or options that the environment
/// does not allow.
pub fn launch<T, E>(
    options: &Launch,
    body: impl Fn(RankContext) -> Result<T, E> + Sync,
) -> Result<T, LaunchError<E>>
where
    T: Send,
    E: Display + Send,
{
    if options.world_size == 0 {
        return Err(SetupError::NoRanks.into());
    }
    match Environment::read()? {
        Some(environment) => ranks::process(options, environment, &body),
        None => ranks::threads(options, &body),
    }
}
