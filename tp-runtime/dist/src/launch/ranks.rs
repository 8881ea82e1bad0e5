//! Which ranks this process runs, on which device, and where they meet the others.

use std::fmt::Display;
use std::sync::Arc;

use tch::{Cuda, Device};

use super::environment::Environment;
use super::run::{Rank, run};
use super::{DeviceKind, Launch, LaunchError, RankContext, SetupError};
use crate::backend::{Job, Member, Registration, Rendezvous, named};
use crate::mesh::fitting;

/// How many ranks may be threads: more than any machine has cores, and few enough to start.
const MOST_THREADS: usize = 1024;

/// Runs every rank of the job as a thread.
pub(super) fn threads<T: Send, E: Display + Send>(
    options: &Launch,
    body: &(impl Fn(RankContext) -> Result<T, E> + Sync),
) -> Result<T, LaunchError<E>> {
    let size = options.world_size;
    if size > MOST_THREADS {
        let (asked, most) = (size, MOST_THREADS);
        return Err(SetupError::TooManyThreads { asked, most }.into());
    }
    let backend = named(options.backend.unwrap_or("local")).map_err(SetupError::from)?;
    let job = Arc::new(Job::new(size));
    let rendezvous = Rendezvous::of_threads();
    let ranks = (0..size).map(|number| {
        let device = device(options.device, number)?;
        let member = member(options, number, device, &job, &rendezvous);
        Ok(rank(options, backend, member, size))
    });
    let ranks: Vec<Rank> = ranks.collect::<Result<_, SetupError>>()?;
    run(&job, ranks, body)
}

/// Runs the one rank that the environment makes of this process.
pub(super) fn process<T: Send, E: Display + Send>(
    options: &Launch,
    environment: Environment,
    body: &(impl Fn(RankContext) -> Result<T, E> + Sync),
) -> Result<T, LaunchError<E>> {
    let (asked, world_size) = (options.world_size, environment.world_size);
    if asked != world_size {
        let mismatch = SetupError::WorldSize {
            asked,
            world_size,
            variable: environment.launcher.world_size,
            fitting: fitting(world_size, &options.mesh),
        };
        return Err(mismatch.into());
    }
    // One process alone meets nobody: its rank is the one thread of a job of threads.
    let alone = world_size == 1;
    let default = if alone { "local" } else { "gloo" };
    let backend = named(options.backend.unwrap_or(default)).map_err(SetupError::from)?;
    if !backend.joins_processes && !alone {
        let refusal = SetupError::ThreadsOnly {
            backend: backend.name,
            launcher: environment.launcher.program,
        };
        return Err(refusal.into());
    }
    let job = Arc::new(Job::new(world_size));
    let device = device(options.device, environment.local_rank)?;
    let (number, neighbours) = (environment.rank, environment.local_world_size);
    let rendezvous = match alone {
        true => Rendezvous::of_threads(),
        false => Rendezvous::of_processes(environment),
    };
    let member = member(options, number, device, &job, &rendezvous);
    run(&job, vec![rank(options, backend, member, neighbours)], body)
}

fn member(
    options: &Launch,
    rank: usize,
    device: Device,
    job: &Arc<Job>,
    rendezvous: &Rendezvous,
) -> Member {
    Member {
        rank,
        world_size: options.world_size,
        device,
        timeout: options.timeout,
        job: job.clone(),
        rendezvous: rendezvous.clone(),
    }
}

/// A rank among `neighbours` on this machine, which share its cores.
fn rank(
    options: &Launch,
    backend: &'static Registration,
    member: Member,
    neighbours: usize,
) -> Rank {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads_per_rank.unwrap_or(cores / neighbours);
    Rank {
        backend,
        member,
        threads: threads.max(1),
    }
}

/// Where the rank computes.
fn device(kind: DeviceKind, local_rank: usize) -> Result<Device, SetupError> {
    match (kind, Cuda::device_count()) {
        (DeviceKind::Cpu, _) => Ok(Device::Cpu),
        (DeviceKind::Cuda, count) if Cuda::is_available() && count > 0 => {
            Ok(Device::Cuda(local_rank % count as usize))
        }
        (DeviceKind::Cuda, _) => Err(SetupError::NoCuda),
    }
}
