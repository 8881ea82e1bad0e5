//! A rank that is about to join the others, and where it meets them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tch::{Device, TchError};

use super::Job;
use crate::Result;
use crate::ffi::c10d::Store;
use crate::launch::Environment;

/// A rank that is about to join the world.
#[derive(Clone)]
pub struct Member {
    /// The rank.
    pub rank: usize,
    /// How many ranks there are.
    pub world_size: usize,
    /// Where it computes.
    pub device: Device,
    /// How long ranks wait for each other.
    pub timeout: Duration,
    /// What the ranks of this process know of each other.
    pub job: Arc<Job>,
    /// Where the ranks meet.
    pub rendezvous: Rendezvous,
}

/// Where the ranks of a job meet.
#[derive(Clone)]
pub struct Rendezvous(Place);

#[derive(Clone)]
enum Place {
    /// In the memory of this process: what its ranks share, by type.
    Threads(Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>),
    /// At the address in the environment.
    Processes(Arc<Environment>),
}

impl Rendezvous {
    /// For ranks that are threads of this process.
    pub(crate) fn of_threads() -> Self {
        Self(Place::Threads(Arc::default()))
    }

    /// For ranks that are processes.
    pub(crate) fn of_processes(environment: Environment) -> Self {
        Self(Place::Processes(Arc::new(environment)))
    }

    /// The one value of type `T` that all ranks of this process share, which the first to come makes;
    /// `None` where ranks are processes.
    pub fn shared<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<Arc<T>> {
        let Place::Threads(values) = &self.0 else {
            return None;
        };
        let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(make()));
        value.clone().downcast().ok()
    }

    /// The address at which the other ranks reach this one.
    pub(crate) fn own_address(&self) -> io::Result<IpAddr> {
        match &self.0 {
            Place::Processes(environment) => environment.own_address(),
            Place::Threads(_) => Ok(Ipv4Addr::LOCALHOST.into()),
        }
    }

    /// The store at which c10d's ranks find each other.
    pub(crate) fn store(&self, timeout: Duration) -> Result<Store> {
        let store = match &self.0 {
            Place::Processes(environment) => return environment.store(timeout),
            Place::Threads(_) => self.shared(|| Store::in_process(timeout)),
        };
        match &*store.expect("threads share what one of them makes") {
            Ok(store) => Ok(store.prefixed("world")?),
            Err(error) => Err(TchError::Torch(error.to_string()).into()),
        }
    }
}
