//! What the program that started this process tells it in environment variables.

mod meeting;
mod open_mpi;
mod own_address;
mod slurm;
#[cfg(test)]
mod tests;
mod torchrun;
mod variables;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use self::variables::Variables;
use super::SetupError;
use crate::ffi::c10d::Store;
use crate::{CommError, Result};

/// This process's place in a job of several processes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) launcher: Launcher,
    pub(crate) rank: usize,
    pub(crate) world_size: usize,
    /// The rank among those of this host.
    pub(crate) local_rank: usize,
    /// How many ranks this host has.
    pub(crate) local_world_size: usize,
    /// Where rank 0 runs; empty where it is the only one.
    master_address: String,
    master_port: u16,
    /// Where `torchrun` itself serves the store: which of its attempts this is.
    attempt: Option<String>,
}

/// A program that starts processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Launcher {
    /// Its name.
    pub(crate) program: &'static str,
    /// The variable that says which rank a process is.
    rank: &'static str,
    /// The variable that says how many there are.
    pub(crate) world_size: &'static str,
}

impl Environment {
    /// This process's place; `None` where nobody has started it as one of several.
    pub(crate) fn read() -> Result<Option<Self>, SetupError> {
        let of_process = |name: &str| {
            let value = std::env::var_os(name)?;
            Some(value.to_string_lossy().into_owned())
        };
        Self::of(&Variables(&of_process))
    }

    /// The place that the variables describe. `torchrun` may run under `srun` or `mpirun`, and `mpirun`
    /// starts its helpers with `srun`: the innermost one has started the ranks.
    fn of(variables: &Variables) -> Result<Option<Self>, SetupError> {
        for read in [torchrun::read, open_mpi::read, slurm::read] {
            if let Some(environment) = read(variables)? {
                return Ok(Some(environment));
            }
        }
        Ok(None)
    }

    /// Where the processes meet, served by rank 0 or by `torchrun`.
    pub(crate) fn store(&self, timeout: Duration) -> Result<Store> {
        let serve = self.rank == 0 && self.attempt.is_none();
        let store = Store::over_tcp(&self.master_address, self.master_port, serve, timeout);
        let store = store.map_err(|error| CommError::Store {
            rank: self.rank,
            address: format!("{}:{}", self.master_address, self.master_port),
            message: error.to_string(),
        })?;
        Ok(match &self.attempt {
            Some(attempt) => store.prefixed(&format!("attempt{attempt}"))?,
            None => store,
        })
    }

    /// Where the other ranks reach this one: the address with which this host reaches rank 0's.
    ///
    /// # Errors
    /// When there is no way to rank 0's host, or this host's address means another host elsewhere.
    pub(crate) fn own_address(&self) -> io::Result<IpAddr> {
        let address = own_address::towards(&self.master_address, self.master_port)?;
        if address.is_loopback() && self.local_world_size < self.world_size {
            return Err(io::Error::other(format!(
                "this host reads `{}` as {address}, where ranks on other hosts cannot reach it: give it \
                 as an address of the network, or name this host's interface in GLOO_SOCKET_IFNAME",
                self.master_address
            )));
        }
        Ok(address)
    }
}

fn fault(message: String) -> SetupError {
    SetupError::Environment(message)
}
