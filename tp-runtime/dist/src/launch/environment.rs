//! The environment variables that `torchrun` sets.

use std::time::Duration;

use super::SetupError;
use crate::ffi::c10d::Store;
use crate::{CommError, Result};

/// This process's place in a job of several processes.
pub(crate) struct Environment {
    pub(crate) rank: usize,
    pub(crate) world_size: usize,
    /// The rank among those of this machine.
    pub(crate) local_rank: usize,
    /// How many ranks this machine has.
    pub(crate) local_world_size: usize,
    master_address: String,
    master_port: u16,
    /// Where `torchrun` itself serves the store: which of its attempts this is.
    attempt: Option<String>,
}

impl Environment {
    /// Reads the variables; `None` where neither RANK nor WORLD_SIZE is set.
    pub(crate) fn read() -> Result<Option<Self>, SetupError> {
        let is_set = |name| std::env::var_os(name).is_some();
        let half = match (is_set("RANK"), is_set("WORLD_SIZE")) {
            (false, false) => return Ok(None),
            (true, true) => None,
            (true, false) => Some(("RANK", "WORLD_SIZE")),
            (false, true) => Some(("WORLD_SIZE", "RANK")),
        };
        if let Some((set, lacking)) = half {
            let message = format!(
                "{set} is set, but {lacking} is not: start with `torchrun`, or set both or neither"
            );
            return Err(fault(message));
        }
        let rank = number("RANK", None)?;
        let world_size = number("WORLD_SIZE", None)?;
        if rank >= world_size {
            let message = format!("RANK={rank} does not exist when WORLD_SIZE={world_size}");
            return Err(fault(message));
        }
        Ok(Some(Self {
            rank,
            world_size,
            local_rank: number("LOCAL_RANK", Some(rank))?,
            local_world_size: number("LOCAL_WORLD_SIZE", Some(world_size))?,
            master_address: text("MASTER_ADDR")?,
            master_port: number("MASTER_PORT", None)?,
            attempt: attempt(),
        }))
    }

    /// Where the processes meet: at MASTER_ADDR and MASTER_PORT, served by rank 0 or by `torchrun`.
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
}

/// Set while `torchrun` serves the store; keys of an attempt that failed must not be met again.
fn attempt() -> Option<String> {
    let agent = std::env::var("TORCHELASTIC_USE_AGENT_STORE").ok()?;
    (agent == "True").then(|| std::env::var("TORCHELASTIC_RESTART_COUNT").unwrap_or_default())
}

fn text(name: &str) -> Result<String, SetupError> {
    std::env::var(name).map_err(|_| {
        fault(format!(
            "`{name}` is not set, but RANK and WORLD_SIZE are: start with `torchrun` or set it"
        ))
    })
}

fn number<N: std::str::FromStr>(name: &str, default: Option<N>) -> Result<N, SetupError> {
    match default {
        Some(default) if std::env::var_os(name).is_none() => Ok(default),
        _ => {
            let value = text(name)?;
            value
                .parse()
                .map_err(|_| fault(format!("`{name}={value}` is not a number in range")))
        }
    }
}

fn fault(message: String) -> SetupError {
    SetupError::Environment(message)
}
