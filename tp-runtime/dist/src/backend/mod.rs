//! What carries out collectives, and how one is added.
//!
//! A backend implements [`Backend`] (and [`Pending`]) and registers itself under a name; nothing else
//! has to change, and [`Launch`](crate::Launch) and every program with a `--backend` know it:
//!
//! ```
//! use tp_dist::Result;
//! use tp_dist::backend::{Backend, Member, Registration, inventory};
//!
//! fn connect(member: Member) -> Result<Box<dyn Backend>> {
//!     # let _ = member;
//!     // Meet the other ranks, at `member.rendezvous` or by a network of your own.
//!     # unimplemented!()
//! }
//!
//! inventory::submit! {
//!     Registration {
//!         name: "telepathy",
//!         about: "Ranks that read each other's minds",
//!         joins_processes: false,
//!         connect,
//!     }
//! }
//!
//! assert_eq!(tp_dist::backend::named("telepathy")?.name, "telepathy");
//! # Ok::<(), tp_dist::backend::UnknownBackend>(())
//! ```

mod job;
mod member;
mod registry;

pub use inventory;
pub use job::{Job, Wait};
pub use member::{Member, Rendezvous};
pub use registry::{Registration, UnknownBackend, all, named};

use std::time::Duration;

use tch::Tensor;

use crate::{Operation, Participant, Result};

/// A group of at least two ranks, as the backend of one of them.
///
/// Every rank of a group starts the same operations and makes the same subgroups in the same order, so
/// that their order is what matches them. A rank calls from one thread at a time.
pub trait Backend: Send + Sync {
    /// Begins a collective, without waiting for ranks that are late where that can be done.
    ///
    /// `tensor` has no history and is this rank's own to keep; its memory may be written only where
    /// nobody else can see it. Chunks are those of [`chunk`](tp_plan::chunk): uneven, or empty, and
    /// already checked against this rank's number. In a barrier the tensor is empty and no matter.
    ///
    /// # Errors
    /// When the collective cannot begin on this rank.
    fn start(&self, request: Request, tensor: Tensor) -> Result<Box<dyn Pending>>;

    /// The group of `ranks`, which are ranks of this group in ascending order and at least two; `None`
    /// for a rank outside it. Every rank of this group calls it, also those outside. In the new group a
    /// rank waits `timeout` for the others, but no longer than here to connect.
    ///
    /// # Errors
    /// When the ranks cannot connect.
    fn subgroup(&self, ranks: &[usize], timeout: Duration) -> Result<Option<Box<dyn Backend>>>;
}

/// A collective that a backend has begun. Handles are waited for in any order, also across the groups
/// of a rank.
pub trait Pending: Send {
    /// Completes it: the result is on the device of the tensor it began with.
    ///
    /// # Errors
    /// When a rank fails, makes another call, or does not come within the group's timeout.
    fn wait(self: Box<Self>) -> Result<Tensor>;
}

/// What a rank asks of its backend.
#[derive(Clone, Debug)]
pub struct Request {
    /// The collective.
    pub operation: Operation,
    /// What it is for, such as `model.layers.3.mlp.down_proj (Rowwise)`.
    pub site: String,
}

impl Request {
    /// The rank that makes it, counted in the world, for messages.
    pub fn participant(&self, rank: usize) -> Participant {
        Participant {
            rank,
            collective: self.operation.name(),
            site: self.site.clone(),
        }
    }
}
