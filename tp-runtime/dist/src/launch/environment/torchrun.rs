//! The variables that `torchrun` sets, or a person who starts ranks by hand.

use super::variables::Variables;
use super::{Environment, Launcher, SetupError, fault};

pub(super) const LAUNCHER: Launcher = Launcher {
    program: "torchrun",
    rank: "RANK",
    world_size: "WORLD_SIZE",
};

/// Reads them; `None` where neither RANK nor WORLD_SIZE is set.
pub(super) fn read(variables: &Variables) -> Result<Option<Environment>, SetupError> {
    let is_set = |name| variables.get(name).is_some();
    let half = match (is_set("RANK"), is_set("WORLD_SIZE")) {
        (false, false) => return Ok(None),
        (true, true) => None,
        (true, false) => Some(("RANK", "WORLD_SIZE")),
        (false, true) => Some(("WORLD_SIZE", "RANK")),
    };
    if let Some((set, lacking)) = half {
        return Err(fault(format!(
            "{set} is set, but {lacking} is not: start with `torchrun`, or set both or neither"
        )));
    }
    let (rank, world_size) = variables.place(LAUNCHER)?;
    let (master_address, master_port) = match world_size {
        // It meets nobody.
        1 => (String::new(), 0),
        _ => (
            variables.required("MASTER_ADDR", LAUNCHER)?,
            variables.required("MASTER_PORT", LAUNCHER)?,
        ),
    };
    Ok(Some(Environment {
        launcher: LAUNCHER,
        rank,
        world_size,
        local_rank: variables.optional("LOCAL_RANK")?.unwrap_or(rank),
        local_world_size: variables
            .optional("LOCAL_WORLD_SIZE")?
            .unwrap_or(world_size),
        master_address,
        master_port,
        attempt: attempt(variables),
    }))
}

/// Set while `torchrun` serves the store; keys of an attempt that failed must not be met again.
fn attempt(variables: &Variables) -> Option<String> {
    let agent = variables.get("TORCHELASTIC_USE_AGENT_STORE")?;
    let attempt = || variables.get("TORCHELASTIC_RESTART_COUNT");
    (agent == "True").then(|| attempt().unwrap_or_default())
}
