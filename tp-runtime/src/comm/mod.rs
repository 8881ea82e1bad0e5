//! Process groups: the ranks of a job and the collectives they make together.

mod c10d;
mod call;
mod error;
mod job;
mod launch;
mod local;
mod process_group;
mod traffic;
mod work;

pub use call::ReduceOp;
pub use error::{CommError, Failure, Place};
pub use launch::{BackendKind, DEFAULT_TIMEOUT, DeviceKind, Launch, RankContext, launch};
pub use process_group::ProcessGroup;
pub use traffic::{Count, Traffic};
pub use work::Work;

use call::{Call, Collective};
use work::Pending;

/// What carries out collectives: one value per rank of a group.
trait Backend: Send + Sync {
    /// Begins a collective; `tensor` is detached, and in a barrier empty.
    fn start(&self, call: Call, tensor: tch::Tensor) -> crate::Result<Box<dyn Pending>>;

    /// The group of `ranks`, which are ranks of this group in ascending order and at least two; `None`
    /// for a rank outside it. Every rank of this group calls it.
    fn subgroup(&self, ranks: &[usize]) -> crate::Result<Option<Box<dyn Backend>>>;
}
