//! `tp explain`: what a plan makes of a model.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use tp_runtime::explain::{self, Comparison, Setup, explain};
use tp_runtime::model::build;
use tp_runtime::plan::{plan_for_architecture, plan_named};

use super::model::{Dtype, config, mode};
use super::output::{print, print_json};

/// Show what a plan makes of a model, from its config alone
///
/// Every layer with its style, the shape of each parameter and of a rank's part of it (`≤` where other
/// ranks hold less), and the bytes of that part; then the share of the model that every rank holds, and
/// its largest modules; the collectives of one forward, loss and backward with the bytes of the whole
/// tensors they move; and the degrees that cut no attention head. Modules that are alike share a line. An
/// alternate plan is compared with the model's default. Weights are not needed and not read.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tp explain models/llama --tp 4
  tp explain models/llama/config.json --tp 8 --sequence-parallel --batch 8 --sequence 4096 --dtype bf16
  tp explain models/llama --tp 2 --json | jq '.memory, (.forward | length)'")]
pub(crate) struct Arguments {
    /// A folder in the Hugging Face layout, or its config.json
    model: PathBuf,

    /// The tensor-parallel degree: over how many ranks
    #[arg(long, value_name = "N")]
    tp: NonZeroUsize,

    /// Split the activations between blocks over the sequence
    #[arg(long)]
    sequence_parallel: bool,

    /// An alternate of the model's plan; `tp plans` lists them
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,

    /// Sequences in a batch
    #[arg(long, value_name = "B", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1 << 16))]
    batch: u64,

    /// Tokens in a sequence
    #[arg(long, value_name = "S", default_value_t = 128, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    sequence: u64,

    /// What parameters and activations are held in
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Dtype,

    /// Print every layer and every collective as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let config = config(&arguments.model)?;
    let model = build(&config)?;
    let architecture = model.node().type_name;
    let default = plan_for_architecture(architecture)?;
    let report = match &arguments.plan {
        None => explain(default, &*model, arguments.setup())?,
        Some(name) => {
            let mut report = explain(plan_named(architecture, name)?, &*model, arguments.setup())?;
            report.comparison = match default.supports(report.setup.mode) {
                true => Some(Comparison::with(&report, default, &*model)?),
                false => None,
            };
            report
        }
    };
    match arguments.json {
        true => print_json(&report),
        false => print(report),
    }
}

impl Arguments {
    fn setup(&self) -> Setup {
        Setup {
            degree: self.tp,
            mode: mode(self.sequence_parallel),
            batch: self.batch,
            sequence: self.sequence,
            dtype: match self.dtype {
                Dtype::F32 => explain::Dtype::F32,
                Dtype::Bf16 => explain::Dtype::Bf16,
            },
        }
    }
}
