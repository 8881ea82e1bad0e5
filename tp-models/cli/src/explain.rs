//! `tp explain`: what a plan makes of a model.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use tp_runtime::config::Fp8;
use tp_runtime::explain::{CostComparison, explain, explain_training};
use tp_runtime::model::build;
use tp_runtime::plan::{plan_for_architecture, plan_named};

use super::hub::{Files, resolve};
use super::model::{SetupArgs, config, mode};
use super::numbers::count;
use super::output::{note, print, print_json};
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
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let config = config(&resolve(&arguments.model, Files::Config)?)?;
    let model = build(&config)?;
    let architecture = model.node().type_name;
    let default = plan_for_architecture(architecture)?;
    let mode = mode(arguments.sequence_parallel);
    let (setup, reason) = arguments.setup.setup(arguments.tp, mode, &config)?;
    let plan = match &arguments.plan {
        None => default,
        Some(name) => plan_named(architecture, name)?,
    };
    let mut report = explain(plan, &*model, setup)?;
    report.is_stored_as_fp8 = Fp8::of(&config)?.is_some();
    if arguments.plan.is_some() && default.supports(mode) {
        report.comparison = Some(CostComparison::with(&report, default, &*model)?);
    }
    if let Some(training) = arguments.training.setup(&arguments.setup)? {
        report.training = Some(explain_training(plan, &*model, setup, training)?);
    }
    if let Some(reason) = reason {
        note(&reason);
    }
    match arguments.json {
        true => print_json(&report),
        false => print(report),
    }
}
