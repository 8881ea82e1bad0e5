//! Which ranks this process runs, on which device, and how each reaches the others.

use std::fmt::Display;
use std::sync::Arc;

use tch::{Cuda, Device};

use super::environment::Environment;
use super::run::{Connect, Rank, run};
use super::{BackendKind, CommError, DeviceKind, Launch, RankContext};
use crate::Result;
use crate::comm::c10d::{C10dGroup, Member};
use crate::comm::job::Job;
use crate::comm::local::LocalGroup;
use crate::ffi::c10d::Store;

/// Runs every rank of the job as a thread.
pub(super) fn threads<T: Send, E: Display>(
    options: &Launch,
    body: &(impl Fn(RankContext) -> Result<T, E> + Sync),
) -> Result<T> {
    let size = options.world_size;
    let job = Arc::new(Job::new(size));
    let kind = options.backend.unwrap_or(BackendKind::Local);
    let everyone: Vec<usize> = (0..size).collect();
    let devices: Vec<Device> = everyone
        .iter()
        .map(|&rank| device(options.device, rank))
        .collect::<Result<_>>()?;
    let connections: Vec<Connect> = match kind {
        _ if size == 1 => vec![Box::new(|| Ok(None))],
        BackendKind::Local => {
            let groups = LocalGroup::groups(&job, &everyone, options.timeout).into_iter();
            groups
                .map(|group| -> Connect { Box::new(|| Ok(Some(Box::new(group)))) })
                .collect()
        }
        BackendKind::Gloo | BackendKind::Nccl => {
            let meeting = Store::in_process(options.timeout)?;
            let connection = |&rank: &usize| -> Result<Connect> {
                let store = meeting.prefixed("world")?;
                let member = member(options, kind, rank, devices[rank], &job);
                Ok(Box::new(|| {
                    Ok(Some(Box::new(C10dGroup::join(member, store)?)))
                }))
            };
            everyone.iter().map(connection).collect::<Result<_>>()?
        }
    };
    let threads = threads_per_rank(options, size);
    let rank = |(rank, connect)| Rank {
        rank,
        device: devices[rank],
        threads,
        connect,
    };
    run(
        options,
        kind,
        &job,
        connections.into_iter().enumerate().map(rank).collect(),
        body,
    )
}

/// Runs the one rank that the environment makes of this process.
pub(super) fn process<T: Send, E: Display>(
    options: &Launch,
    environment: Environment,
    body: &(impl Fn(RankContext) -> Result<T, E> + Sync),
) -> Result<T> {
    let Environment {
        rank, world_size, ..
    } = environment;
    if options.world_size != world_size {
        let asked = options.world_size;
        return Err(CommError::Launch(format!(
            "{asked} ranks are asked for, but WORLD_SIZE={world_size}: \
             start {asked} processes, or ask for {world_size} ranks"
        ))
        .into());
    }
    let kind = options.backend.unwrap_or(BackendKind::Gloo);
    if kind == BackendKind::Local {
        return Err(CommError::Launch(
            "the `local` backend joins threads of one process, but RANK and WORLD_SIZE make this \
             process one rank of several: use `gloo` or `nccl`, or start without `torchrun`"
                .into(),
        )
        .into());
    }
    let job = Arc::new(Job::new(world_size));
    let device = device(options.device, environment.local_rank)?;
    let threads = threads_per_rank(options, environment.local_world_size);
    let member = member(options, kind, rank, device, &job);
    let connect: Connect = Box::new(move || match world_size {
        1 => Ok(None),
        _ => Ok(Some(Box::new(C10dGroup::join(
            member.clone(),
            environment.store(member.timeout)?,
        )?))),
    });
    run(
        options,
        kind,
        &job,
        vec![Rank {
            rank,
            device,
            threads,
            connect,
        }],
        body,
    )
}

fn member(
    options: &Launch,
    kind: BackendKind,
    rank: usize,
    device: Device,
    job: &Arc<Job>,
) -> Member {
    let ranks = (0..options.world_size).collect();
    Member {
        kind,
        rank,
        ranks,
        device,
        timeout: options.timeout,
        job: job.clone(),
    }
}

/// libtorch's threads for each of `ranks` ranks on this machine.
fn threads_per_rank(options: &Launch, ranks: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    options.threads_per_rank.unwrap_or(cores / ranks).max(1)
}

/// Where the rank computes.
fn device(kind: DeviceKind, local_rank: usize) -> Result<Device> {
    match (kind, Cuda::device_count()) {
        (DeviceKind::Cpu, _) => Ok(Device::Cpu),
        (DeviceKind::Cuda, count) if Cuda::is_available() && count > 0 => {
            Ok(Device::Cuda(local_rank % count as usize))
        }
        (DeviceKind::Cuda, _) => Err(CommError::Launch(
            "this libtorch sees no CUDA device: use the CPU, or a CUDA libtorch on a machine with a GPU".into(),
        )
        .into()),
    }
}
