//! One model on some ranks, held to what transformers computed on one.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use tch::Kind;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::{BackendKind, Launch, RankContext, launch};
use tp_runtime::generate::{GenerateOptions, Sampling, generate};
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::model::Inputs;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::plan::Plan;
use tp_runtime::{Mode, Result};

use crate::compare::{Tolerance, assert_close};
use crate::fixture::Fixture;

/// A way to run a model.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The tensor-parallel degree.
    pub degree: usize,
    /// The column of the plan.
    pub mode: Mode,
    /// What carries the collectives.
    pub backend: BackendKind,
    /// Another plan than the model's default.
    pub plan: Option<&'static Plan>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan.map_or("the default plan", |plan| plan.name);
        let (mode, degree, backend) = (self.mode, self.degree, self.backend);
        write!(f, "{plan}, {mode:?}, {degree} ranks, {backend:?}")
    }
}

/// Both modes at each degree, over shared memory.
pub fn settings(degrees: &[usize]) -> Vec<Setting> {
    let modes = [Mode::TensorParallel, Mode::SequenceParallel];
    let setting = |degree, mode| Setting {
        degree,
        mode,
        backend: BackendKind::Local,
        plan: None,
    };
    degrees
        .iter()
        .flat_map(|&degree| modes.map(|mode| setting(degree, mode)))
        .collect()
}

/// Runs `body` on every rank of a setting with the model of `dir`.
///
/// # Panics
/// When a rank fails.
pub fn on_ranks(
    dir: &Path,
    setting: Setting,
    kind: Kind,
    body: impl Fn(&ParallelModel) -> Result<()> + Sync,
) {
    let options = Launch {
        backend: Some(setting.backend),
        timeout: std::time::Duration::from_secs(60),
        ..Launch::new(setting.degree)
    };
    let run = |context: RankContext| -> Result<()> {
        let mesh = DeviceMesh::new(context.world, &[("tp", setting.degree)])?;
        let options = ParallelOptions {
            mode: setting.mode,
            plan: setting.plan,
            kind,
            ..Default::default()
        };
        let (model, _) = ParallelModel::load(&Checkpoint::open(dir)?, &mesh, options)?;
        body(&model)
    };
    if let Err(error) = launch(&options, run) {
        panic!("{setting} on {}: {error}", dir.display());
    }
}

/// Logits and loss of a case, and every gradient where the fixture has them.
///
/// # Errors
/// When the model fails.
///
/// # Panics
/// When a number differs.
pub fn check_case(model: &ParallelModel, fixture: &Fixture, case: &str) -> Result<()> {
    let tensor = |name: &str| fixture.tensor(&format!("{case}/{name}"));
    let inputs = Inputs::new(tensor("input_ids"));
    let logits = model.forward(&inputs, None)?.full()?;
    assert_close(
        &format!("{case}/logits"),
        &logits,
        &tensor("logits"),
        Tolerance::F32,
    );
    let loss = model.loss(&inputs, &tensor("labels"))?;
    assert_close(
        &format!("{case}/loss"),
        &loss,
        &tensor("loss"),
        Tolerance::F32,
    );
    let gradients = fixture.names_under(&format!("{case}/grad."));
    if gradients.is_empty() {
        return Ok(());
    }
    loss.f_backward()?;
    let parameters = model.parameters();
    assert_eq!(
        gradients.len(),
        parameters.len(),
        "the fixture has every parameter's gradient"
    );
    for named in parameters {
        let name = format!("{case}/grad.{}", named.name);
        let gradient = model.gradient(&named)?;
        assert_close(&name, &gradient, &fixture.tensor(&name), Tolerance::F32);
        named.param.local().zero_grad();
    }
    Ok(())
}

/// Losses over three AdamW steps, and every parameter after them.
///
/// # Errors
/// When the model fails.
///
/// # Panics
/// When a number differs.
pub fn check_training(model: &ParallelModel, fixture: &Fixture) -> Result<()> {
    let inputs = Inputs::new(fixture.tensor("even/input_ids"));
    let labels = fixture.tensor("even/labels");
    let options = AdamWOptions {
        beta2: 0.95,
        epsilon: 1e-6,
        ..Default::default()
    };
    let mut optimizer = AdamW::new(
        model.parameters().into_iter().map(|named| named.param),
        options,
    );
    let losses = fixture.tensor("train/losses");
    for step in 0..losses.size()[0] {
        let loss = model.loss(&inputs, &labels)?;
        let name = format!("train/losses[{step}]");
        assert_close(&name, &loss, &losses.get(step), Tolerance::F32);
        loss.f_backward()?;
        optimizer.step()?;
        optimizer.zero_grad();
    }
    for named in model.parameters() {
        let name = format!("train/param.{}", named.name);
        // A step is `learning_rate` long whatever the gradient: noise in a tiny one shows.
        let tolerance = Tolerance {
            absolute: 1e-4,
            relative: 1e-5,
        };
        assert_close(
            &name,
            &model.whole(&named)?,
            &fixture.tensor(&name),
            tolerance,
        );
    }
    Ok(())
}

/// Greedy tokens of a prompt.
///
/// # Errors
/// When the model fails.
///
/// # Panics
/// When a token differs.
pub fn check_generation(model: &ParallelModel, fixture: &Fixture, prompt: &str) -> Result<()> {
    let ids = fixture.tensor(&format!("{prompt}/input_ids"));
    let reference = fixture.tensor(&format!("{prompt}/generated"));
    let max_new_tokens = reference.size()[1] - ids.size()[1];
    let options = GenerateOptions {
        max_new_tokens,
        sampling: Sampling::Greedy,
        stop: Vec::new(),
    };
    let generated = generate(model, &Inputs::new(ids), &options, |_| {
        ControlFlow::Continue(())
    })?;
    assert_eq!(generated, reference, "{prompt}/generated");
    Ok(())
}
