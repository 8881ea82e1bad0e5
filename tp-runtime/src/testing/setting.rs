//! A way to run a model, and running it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use tch::Kind;

use crate::checkpoint::Checkpoint;
use crate::comm::{DeviceKind, Launch, RankContext, launch};
use crate::parallel::{ParallelModel, ParallelOptions};
use crate::plan::{Mode, Plan};
use crate::{Error, Result};

/// A way to run a model.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The tensor-parallel degree.
    pub degree: usize,
    /// The column of the plan.
    pub mode: Mode,
    /// What carries the collectives, by name.
    pub backend: &'static str,
    /// Another plan than the model's default.
    pub plan: Option<&'static Plan>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan.map_or("the default plan", |plan| plan.name);
        let mode = match self.mode {
            Mode::TensorParallel => "tensor parallel",
            Mode::SequenceParallel => "with sequence parallelism",
        };
        let (degree, backend) = (self.degree, self.backend);
        let ranks = if degree == 1 { "rank" } else { "ranks" };
        write!(f, "{plan}, {mode}, {degree} {ranks}, {backend}")
    }
}

/// Both modes at each degree, over shared memory.
pub fn settings(degrees: &[usize]) -> Vec<Setting> {
    let modes = [Mode::TensorParallel, Mode::SequenceParallel];
    let setting = |degree, mode| Setting {
        degree,
        mode,
        backend: "local",
        plan: None,
    };
    degrees
        .iter()
        .flat_map(|&degree| modes.map(|mode| setting(degree, mode)))
        .collect()
}

/// What tests compute on: the CPU, or with `TP_TEST_DEVICE=cuda` in the environment the GPUs.
///
/// # Panics
/// When the variable names anything else.
pub fn device() -> DeviceKind {
    match std::env::var("TP_TEST_DEVICE").as_deref() {
        Err(_) | Ok("cpu") => DeviceKind::Cpu,
        Ok("cuda") => DeviceKind::Cuda,
        Ok(other) => panic!("TP_TEST_DEVICE is `{other}`, and can be `cpu` or `cuda`"),
    }
}

/// Runs `body` on every rank of a setting with the model of the checkpoint in `dir`.
///
/// # Panics
/// When a rank fails.
pub fn on_ranks(
    dir: &Path,
    setting: Setting,
    kind: Kind,
    body: impl Fn(&ParallelModel) -> Result<()> + Sync,
) {
    let job = Launch {
        backend: Some(setting.backend),
        timeout: Duration::from_secs(60),
        // Tiny tensors: more threads would only wait for one another.
        threads_per_rank: Some(1),
        device: device(),
        ..Launch::new(setting.degree)
    };
    let run = |context: RankContext| -> Result<(), Error> {
        let mesh = context.mesh(&[("tp", setting.degree)])?;
        let options = ParallelOptions {
            mode: setting.mode,
            plan: setting.plan,
            kind,
            device: context.device,
            ..Default::default()
        };
        let (model, _) = ParallelModel::load(&Checkpoint::open(dir)?, &mesh, options)?;
        body(&model)
    };
    if let Err(error) = launch(&job, run) {
        panic!("{} with {setting}: {error}", dir.display());
    }
}
