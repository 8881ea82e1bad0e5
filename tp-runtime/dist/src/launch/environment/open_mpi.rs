//! The variables that Open MPI's `mpirun` sets.

use super::variables::Variables;
use super::{Environment, Launcher, SetupError, fault, meeting};

pub(super) const LAUNCHER: Launcher = Launcher {
    program: "mpirun",
    rank: "OMPI_COMM_WORLD_RANK",
    world_size: "OMPI_COMM_WORLD_SIZE",
};

/// The name of the job, in the versions of Open MPI that have one or the other.
const JOB: [&str; 2] = ["PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"];

/// Reads them; `None` for a process that `mpirun` has not started, or has started alone.
pub(super) fn read(variables: &Variables) -> Result<Option<Environment>, SetupError> {
    if matches!(variables.optional(LAUNCHER.world_size)?, None | Some(1)) {
        return Ok(None);
    }
    let (rank, world_size) = variables.place(LAUNCHER)?;
    let local_world_size = variables.required("OMPI_COMM_WORLD_LOCAL_SIZE", LAUNCHER)?;
    let Some(master_address) = meeting::address(variables, local_world_size == world_size) else {
        let message = "`mpirun` has started ranks on several hosts, and MASTER_ADDR is not set: \
                       give all of them the address of rank 0's host, with `mpirun -x MASTER_ADDR=...`";
        return Err(fault(message.to_owned()));
    };
    let job = || JOB.iter().find_map(|name| variables.get(name));
    let Some(master_port) = meeting::port(variables, job)? else {
        let message = "this `mpirun` does not name its job, and MASTER_PORT is not set: \
                       give all ranks a free port of rank 0's host, with `mpirun -x MASTER_PORT=...`";
        return Err(fault(message.to_owned()));
    };
    Ok(Some(Environment {
        launcher: LAUNCHER,
        rank,
        world_size,
        local_rank: variables.required("OMPI_COMM_WORLD_LOCAL_RANK", LAUNCHER)?,
        local_world_size,
        master_address,
        master_port,
        attempt: None,
    }))
}
