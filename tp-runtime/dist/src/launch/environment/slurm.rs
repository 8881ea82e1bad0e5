//! The variables that Slurm's `srun` sets.

use super::variables::Variables;
use super::{Environment, Launcher, SetupError, fault, meeting};

/// `sbatch` and `salloc` set SLURM_PROCID and SLURM_NTASKS too, for what they start once: only a step of
/// `srun` has several processes, and says so.
pub(super) const LAUNCHER: Launcher = Launcher {
    program: "srun",
    rank: "SLURM_PROCID",
    world_size: "SLURM_STEP_NUM_TASKS",
};

/// Reads them; `None` for a process that `srun` has not started, or has started alone.
pub(super) fn read(variables: &Variables) -> Result<Option<Environment>, SetupError> {
    if matches!(variables.optional(LAUNCHER.world_size)?, None | Some(1)) {
        return Ok(None);
    }
    let (rank, world_size) = variables.place(LAUNCHER)?;
    let local_world_size = tasks_here(variables)?;
    let address = match meeting::address(variables, local_world_size == world_size) {
        Some(address) => address,
        None => first_host(&variables.required::<String>("SLURM_STEP_NODELIST", LAUNCHER)?),
    };
    let job: String = variables.required("SLURM_JOB_ID", LAUNCHER)?;
    let step: String = variables.required("SLURM_STEP_ID", LAUNCHER)?;
    let port = meeting::port(variables, || Some(job + &step))?;
    Ok(Some(Environment {
        launcher: LAUNCHER,
        rank,
        world_size,
        local_rank: variables.required("SLURM_LOCALID", LAUNCHER)?,
        local_world_size,
        master_address: address,
        master_port: port.expect("the job has a name"),
        attempt: None,
    }))
}

/// How many tasks this host has: SLURM_STEP_TASKS_PER_NODE is such as `2(x3),1` for three hosts with two
/// tasks and one with one.
fn tasks_here(variables: &Variables) -> Result<usize, SetupError> {
    let name = "SLURM_STEP_TASKS_PER_NODE";
    let list: String = variables.required(name, LAUNCHER)?;
    let host: usize = variables.required("SLURM_NODEID", LAUNCHER)?;
    let hosts = list.split(',').flat_map(|part| {
        let (tasks, hosts) = part.split_once("(x").unwrap_or((part, "1)"));
        let hosts = hosts.trim_end_matches(')').parse().unwrap_or(0);
        std::iter::repeat_n(tasks, hosts)
    });
    let tasks = hosts.clone().nth(host).and_then(|tasks| tasks.parse().ok());
    tasks.ok_or_else(|| {
        fault(format!(
            "`{name}={list}` does not say how many tasks the host SLURM_NODEID={host} has"
        ))
    })
}

/// The first host of a list such as `rack[0-1]node[08-16,20],login`.
fn first_host(list: &str) -> String {
    let mut host = String::new();
    let mut rest = list;
    while let Some(end) = rest.find(['[', ',']) {
        host += &rest[..end];
        if rest[end..].starts_with(',') {
            return host;
        }
        let numbers = &rest[end + 1..];
        let first = numbers.find([',', '-', ']']).unwrap_or(numbers.len());
        host += &numbers[..first];
        rest = numbers.split_once(']').map_or("", |(_, rest)| rest);
    }
    host + rest
}
