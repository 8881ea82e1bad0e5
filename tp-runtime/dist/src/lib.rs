//! Ranks, and the collectives they make together, over libtorch.
//!
//! [`launch`] runs a closure on every rank: on threads, or on the processes that `torchrun`, `srun` or
//! `mpirun` starts. Each rank is given a [`RankContext`] with the [`ProcessGroup`] of all ranks, which it
//! lays out over named dimensions with [`RankContext::mesh`]. Collectives have no gradient;
//! [`autograd::with_backward`] gives them one.
//!
//! ```no_run
//! use tch::Tensor;
//! use tp_dist::{Launch, LaunchError, ReduceOp, launch};
//!
//! let sum = launch(&Launch::new(4), |rank| {
//!     let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
//!     let own = Tensor::from_slice(&[rank.rank() as f32]);
//!     mesh.group("tp")?.all_reduce(own, ReduceOp::Sum, "the sum of two neighbours")
//! })?;
//! assert_eq!(sum.double_value(&[0]), 1.0);
//! # Ok::<(), LaunchError<tp_dist::Error>>(())
//! ```
//!
//! What carries a collective out is a [`backend`]: `local`, `gloo`, `nccl`, or one of another crate.

pub mod autograd;
pub mod backend;
mod c10d;
mod counts;
#[cfg(feature = "nccl")]
pub mod cuda;
mod error;
mod ffi;
pub mod kernels;
mod launch;
mod local;
pub mod memory;
pub mod mesh;
mod operation;
mod panic;
mod process_group;
mod upload;
mod work;

pub use counts::{CommCount, CommCounts};
pub use error::{CommError, Error, Participant, RankFailure, Result};
pub use ffi::MappedFile;
pub use launch::{
    DEFAULT_TIMEOUT, DeviceKind, Launch, LaunchError, RankContext, SetupError, launch,
};
pub use mesh::{DeviceMesh, MeshError};
pub use operation::{Operation, ReduceOp};
pub use process_group::ProcessGroup;
pub use upload::upload;
pub use work::Work;
