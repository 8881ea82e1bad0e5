//! What the benches share.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use tch::{Cuda, Device, Kind, Tensor};
use tp_runtime::comm::backend::{self, UnknownBackend};
use tp_runtime::comm::{DeviceKind, ProcessGroup};

/// A backend as a flag names it.
///
/// # Errors
/// When there is none of that name.
pub fn backend_name(name: &str) -> Result<&'static str, UnknownBackend> {
    backend::named(name).map(|backend| backend.name)
}

/// A type of numbers as a flag names it.
///
/// # Errors
/// When there is none of that name.
pub fn kind_name(name: &str) -> Result<Kind> {
    match name {
        "f32" => Ok(Kind::Float),
        "bf16" => Ok(Kind::BFloat16),
        _ => bail!("`{name}` is not `f32` or `bf16`"),
    }
}

/// A kind of device as a flag names it.
///
/// # Errors
/// When there is none of that name.
pub fn device_name(name: &str) -> Result<DeviceKind> {
    match name {
        "cpu" => Ok(DeviceKind::Cpu),
        "cuda" => Ok(DeviceKind::Cuda),
        _ => bail!("`{name}` is not `cpu` or `cuda`"),
    }
}

/// libtorch's threads for each of `ranks`; all together have two, as PyTorch's have.
pub fn threads_per_rank(ranks: usize) -> usize {
    (2 / ranks).max(1)
}

/// The median of the times of `run` after some that do not count; all ranks start together.
///
/// # Errors
/// When `run` fails, or another rank does.
pub fn median_seconds(
    world: &ProcessGroup,
    device: Device,
    warmup: usize,
    repeat: usize,
    mut run: impl FnMut() -> Result<()>,
) -> Result<f64> {
    let mut seconds = Vec::new();
    for turn in 0..warmup + repeat {
        world.barrier("the bench")?;
        wait_for(device);
        let start = Instant::now();
        run()?;
        wait_for(device);
        if turn >= warmup {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// Until a GPU has done what it was asked for.
fn wait_for(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

/// The most memory each process of the job has had, in MiB; ranks that are threads share one.
///
/// # Errors
/// When the system does not say it, or a rank fails.
pub fn peak_rss_mb(world: &ProcessGroup, device: Device) -> Result<Vec<i64>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmHWM in /proc")?;
    let mine = kib.parse::<i64>()? / 1024;
    if world.backend() == "local" || world.size() == 1 {
        return Ok(vec![mine]);
    }
    let every = world.all_gather(
        &Tensor::from_slice(&[mine]).to_device(device),
        0,
        world.size() as i64,
        "memory",
    )?;
    Ok(Vec::try_from(every.to_device(Device::Cpu))?)
}
