//! Seconds and bytes.

use std::time::Instant;

use anyhow::{Context, Result};

/// The median of the times of `run` after some that do not count.
pub fn median_seconds(
    warmup: usize,
    repeat: usize,
    mut run: impl FnMut() -> Result<()>,
) -> Result<f64> {
    let mut seconds = Vec::new();
    for turn in 0..warmup + repeat {
        let start = Instant::now();
        run()?;
        if turn >= warmup {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[seconds.len() / 2])
}

/// The most memory the process has had, in MiB.
pub fn peak_rss_mb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmHWM in /proc")?;
    Ok(kib.parse::<u64>()? / 1024)
}
