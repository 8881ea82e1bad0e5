//! How a rank joins a Gloo or NCCL group.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "nccl")]
use tch::Device;

use super::group::C10dGroup;
use super::loopback;
use crate::backend::{Backend, Job, Member};
use crate::ffi::c10d::{Group, Store};
use crate::{CommError, Result};

/// What libtorch has the group from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    /// Where the other ranks reach this one; `None` where GLOO_SOCKET_IFNAME says so.
    Gloo(Option<IpAddr>),
    /// With the GPU of this rank.
    #[cfg(feature = "nccl")]
    Nccl(Device),
}

/// A rank of a group.
#[derive(Clone)]
pub(super) struct GroupMember {
    pub(super) library: Library,
    /// The rank in the group.
    pub(super) rank: usize,
    /// The ranks' numbers in the world.
    pub(super) ranks: Arc<[usize]>,
    /// How long it waits to meet the others.
    pub(super) meeting: Duration,
    /// How long it waits for them in a collective.
    pub(super) timeout: Duration,
    pub(super) job: Arc<Job>,
}

/// Joins the world over Gloo.
pub(super) fn connect_gloo(member: Member) -> Result<Box<dyn Backend>> {
    let store = member.rendezvous.store(member.timeout)?;
    let interface = std::env::var_os("GLOO_SOCKET_IFNAME");
    let address = interface.is_none().then(|| member.rendezvous.own_address());
    let fault = |message| CommError::Connect {
        backend: "gloo",
        rank: member.rank,
        size: member.world_size,
        message,
    };
    let address = address.transpose();
    let address = address.map_err(|error| fault(error.to_string()))?;
    let checked = loopback::fault(&store, member.world_size, address);
    if let Some(message) = checked.map_err(|error| fault(error.to_string()))? {
        return Err(fault(message).into());
    }
    join(Library::Gloo(address), member, store)
}

/// Joins the world over NCCL.
#[cfg(feature = "nccl")]
pub(super) fn connect_nccl(member: Member) -> Result<Box<dyn Backend>> {
    let store = member.rendezvous.store(member.timeout)?;
    join(Library::Nccl(member.device), member, store)
}

fn join(library: Library, member: Member, store: Store) -> Result<Box<dyn Backend>> {
    let member = GroupMember {
        library,
        rank: member.rank,
        ranks: (0..member.world_size).collect(),
        meeting: member.timeout,
        timeout: member.timeout,
        job: member.job,
    };
    Ok(Box::new(C10dGroup::join(member, store)?))
}

impl Library {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gloo(_) => "gloo",
            #[cfg(feature = "nccl")]
            Self::Nccl(_) => "nccl",
        }
    }
}

impl GroupMember {
    /// Meets the other ranks at the store.
    pub(super) fn meet(&self, store: &Store) -> Result<Group, CommError> {
        let (rank, size) = (self.rank, self.ranks.len());
        let group = match self.library {
            Library::Gloo(address) => {
                Group::gloo(store, rank, size, address, self.meeting, self.timeout)
            }
            #[cfg(feature = "nccl")]
            Library::Nccl(_) => Group::nccl(store, rank, size, self.timeout),
        };
        group.map_err(|error| CommError::Connect {
            backend: self.library.name(),
            rank: self.ranks[rank],
            size,
            message: error.to_string(),
        })
    }
}
