//! `tp explain`: what a plan makes of a model.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;
use tp_runtime::config::Fp8;
use tp_runtime::explain::{
    CostComparison, Explanation, Setup, TrainingSetup, explain, explain_training,
};
use tp_runtime::model::build;
use tp_runtime::plan::{plan_for_architecture, plan_named};

use super::hub::{Files, resolve};
use super::model::{SetupArgs, config, mode};
use super::numbers::count;
use super::output::{note, print, print_json};
use super::report::write_plan;
use super::training::TrainingArgs;

/// Show what a plan makes of a model, from its config alone
///
/// Every layer with its style, the shape of each parameter and of a rank's part of it (`≤` where other
/// ranks hold less), and the bytes of that part; then the share of the model that every rank holds, and
/// its largest modules; the collectives of one forward, loss and backward with the bytes of the whole
/// tensors they move; and the degrees that cut no attention head. Modules that are alike share a line. An
/// alternate plan is compared with the model's default. Weights are not needed and not read. Bytes are those of
/// the type that the config gives its weights, which is named on stderr, unless --dtype gives another.
///
/// With one of the flags under "Training", it also shows what a training step of `tp train` costs: the bytes
/// that a rank holds at most, by what they are for, and what it communicates along each dimension of the mesh.
/// `tp train` itself holds f32 unless it is given --dtype bf16.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tp explain models/llama --tp 4
  tp explain Qwen/Qwen3-0.6B --tp 2
  tp explain models/llama/config.json --tp 8 --sequence-parallel --batch 8 --sequence 4096 --dtype bf16
  tp explain models/llama --tp 4 --dp 2 --zero 3 --recompute full --micro-batch 2 --global-batch 32 --sequence 4096
  tp explain models/llama --tp 4 --html llama.html
  tp explain models/llama --tp 2 --json | jq '.memory, (.forward | length)'")]
pub(crate) struct Arguments {
    /// A folder in the Hugging Face layout, its config.json, or a model's name on the hub: `org/name`, `org/name@revision`
    model: PathBuf,

    /// The tensor-parallel degree: over how many ranks
    #[arg(long, value_name = "N", value_parser = count)]
    tp: NonZeroUsize,

    /// Split the activations between blocks over the sequence
    #[arg(long)]
    sequence_parallel: bool,

    /// An alternate of the model's plan; `tp plans` lists them
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,

    #[command(flatten)]
    setup: SetupArgs,

    #[command(flatten)]
    training: TrainingArgs,

    /// Print every layer and every collective as JSON
    #[arg(long)]
    json: bool,

    /// Write a page with the plan as a picture to this file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    html: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let config = config(&resolve(&arguments.model, Files::Config)?)?;
    let mode = mode(arguments.sequence_parallel);
    let (setup, reason) = arguments.setup.setup(arguments.tp, mode, &config)?;
    let training = arguments.training.setup(&arguments.setup)?;
    let report = explained(&config, arguments.plan.as_deref(), setup, training)?;
    if let Some(reason) = reason {
        note(&reason);
    }
    match &arguments.html {
        Some(file) => write_plan(file, &report),
        None if arguments.json => print_json(&report),
        None => print(report),
    }
}

/// What the model's default plan or the one of that name makes of it; an alternate is compared with the default.
///
/// # Errors
/// When the config is of no known model, it has no such plan, or it cannot be run so.
pub(crate) fn explained(
    config: &Value,
    plan: Option<&str>,
    setup: Setup,
    training: Option<TrainingSetup>,
) -> Result<Explanation> {
    let model = build(config)?;
    let architecture = model.node().type_name;
    let default = plan_for_architecture(architecture)?;
    let is_alternate = plan.is_some();
    let plan = match plan {
        None => default,
        Some(name) => plan_named(architecture, name)?,
    };
    let mut report = explain(plan, &*model, setup)?;
    report.is_stored_as_fp8 = Fp8::of(config)?.is_some();
    if is_alternate && default.supports(setup.mode) {
        report.comparison = Some(CostComparison::with(&report, default, &*model)?);
    }
    if let Some(training) = training {
        report.training = Some(explain_training(plan, &*model, setup, training)?);
    }
    Ok(report)
}
