//! What a job tells of itself: a bar for people, lines of JSON for programs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;
use tp_runtime::train::Gradients;

/// The metrics of a job; only its first rank speaks.
pub(super) struct Metrics {
    is_first: bool,
    bar: ProgressBar,
    log: Option<File>,
    ranks: u64,
    started: Instant,
}

/// A line of the log.
#[derive(Serialize)]
struct Step {
    step: u64,
    loss: f64,
    gradient_norm: f64,
    learning_rate: f64,
    labels: f64,
    seconds: f64,
    tokens_per_second: f64,
    tokens_per_second_per_rank: f64,
    memory_mib: Option<u64>,
}

impl Metrics {
    /// Starts after `done` of `steps`.
    pub(super) fn new(
        is_first: bool,
        done: u64,
        steps: u64,
        log: Option<&Path>,
        ranks: u64,
    ) -> Result<Self> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.with_context(|| format!("cannot write the log `{}`", path.display()))
        };
        Ok(Self {
            is_first,
            bar: bar(steps, is_first).with_position(done),
            log: log.filter(|_| is_first).map(open).transpose()?,
            ranks,
            started: Instant::now(),
        })
    }

    /// A step begins.
    pub(super) fn begin(&mut self) {
        self.started = Instant::now();
    }

    /// A step, the first of which is 1, is over; all ranks together read so many tokens, each of which counts once,
    /// however many ranks share it.
    pub(super) fn end(
        &mut self,
        step: u64,
        found: &Gradients,
        learning_rate: f64,
        tokens: u64,
    ) -> Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        let speed = tokens as f64 / seconds;
        let Gradients { loss, norm, labels } = *found;
        self.bar.set_message(format!(
            "loss {loss:.3}  gradient norm {norm:.2}  {speed:.0} tokens/s"
        ));
        self.bar.inc(1);
        self.write(&Step {
            step,
            loss,
            gradient_norm: norm,
            learning_rate,
            labels,
            seconds,
            tokens_per_second: speed,
            tokens_per_second_per_rank: speed / self.ranks as f64,
            memory_mib: memory(),
        })
    }

    /// The loss on another text, measured after a step.
    pub(super) fn validated(&mut self, step: u64, loss: f64) -> Result<()> {
        let perplexity = loss.exp();
        if self.is_first {
            let told =
                format!("step {step}: validation loss {loss:.3}, perplexity {perplexity:.2}");
            self.bar.suspend(|| println!("{told}"));
        }
        self.write(&json!({ "step": step, "validation_loss": loss, "perplexity": perplexity }))
    }

    /// The job is over.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        if let Some(log) = &mut self.log {
            let line = serde_json::to_string(line)? + "\n";
            log.write_all(line.as_bytes())
                .context("cannot write the log")?;
        }
        Ok(())
    }
}

/// A bar where a person looks on, nothing where a file does.
fn bar(steps: u64, is_first: bool) -> ProgressBar {
    if !is_first {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len}  {msg}  {eta} left";
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The most memory that this process had, in MiB, where the system says it.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib >> 10)
}
