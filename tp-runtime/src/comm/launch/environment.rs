//! The environment variables that `torchrun` sets.

use super::super::CommError;

/// This process's place in a job of several processes.
pub(super) struct Environment {
    pub(super) rank: usize,
    pub(super) world_size: usize,
    /// The rank among those of this machine.
    pub(super) local_rank: usize,
    /// How many ranks this machine has.
    pub(super) local_world_size: usize,
    pub(super) master_address: String,
    pub(super) master_port: u16,
}

impl Environment {
    /// Reads the variables; `None` unless RANK and WORLD_SIZE are set.
    pub(super) fn read() -> Result<Option<Self>, CommError> {
        if std::env::var_os("RANK").is_none() || std::env::var_os("WORLD_SIZE").is_none() {
            return Ok(None);
        }
        let rank = number("RANK", None)?;
        let world_size = number("WORLD_SIZE", None)?;
        if rank >= world_size {
            return Err(fault(format!("RANK={rank} does not exist when WORLD_SIZE={world_size}")));
        }
        Ok(Some(Self {
            rank,
            world_size,
            local_rank: number("LOCAL_RANK", Some(rank))?,
            local_world_size: number("LOCAL_WORLD_SIZE", Some(world_size))?,
            master_address: text("MASTER_ADDR")?,
            master_port: number("MASTER_PORT", None)?,
        }))
    }
}

fn text(name: &str) -> Result<String, CommError> {
    std::env::var(name).map_err(|_| {
        fault(format!("`{name}` is not set, but RANK and WORLD_SIZE are: start with `torchrun` or set it"))
    })
}

fn number<N: std::str::FromStr>(name: &str, default: Option<N>) -> Result<N, CommError> {
    match default {
        Some(default) if std::env::var_os(name).is_none() => Ok(default),
        _ => {
            let value = text(name)?;
            value.parse().map_err(|_| fault(format!("`{name}={value}` is not a number in range")))
        }
    }
}

fn fault(message: String) -> CommError {
    CommError::Launch(message)
}
