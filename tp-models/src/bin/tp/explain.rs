//! `tp explain`: what a plan makes of a model.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::plan::{Mode, plan_for_architecture, plan_named};
use tp_runtime::{config, model};

use crate::output::{print, print_json};

/// Show what a plan makes of a model, from its config alone
///
/// Every layer with its style, the shape of each parameter and of a rank's part of it (`≤` where other
/// ranks hold less), and the bytes of that part; then the collectives of one forward, loss and backward
/// with the bytes of the whole tensors they move; and the degrees that cut no attention head. Modules
/// that are alike share a line. Weights are not needed and not read.
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
    #[arg(long, value_enum, default_value_t = Element::F32)]
    dtype: Element,

    /// Print every layer and every collective as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Element {
    F32,
    Bf16,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let config = config::read(&config_file(&arguments.model))?;
    let model = model::build(&config)?;
    let architecture = model.node().type_name;
    let plan = match &arguments.plan {
        Some(name) => plan_named(architecture, name)?,
        None => plan_for_architecture(architecture)?,
    };
    let report = explain(plan, &*model, arguments.setup())?;
    match arguments.json {
        true => print_json(&report),
        false => print(report),
    }
}

impl Arguments {
    fn setup(&self) -> Setup {
        Setup {
            degree: self.tp,
            mode: match self.sequence_parallel {
                true => Mode::SequenceParallel,
                false => Mode::TensorParallel,
            },
            batch: self.batch,
            sequence: self.sequence,
            dtype: match self.dtype {
                Element::F32 => Dtype::F32,
                Element::Bf16 => Dtype::Bf16,
            },
        }
    }
}

fn config_file(model: &Path) -> PathBuf {
    match model.is_dir() {
        true => model.join("config.json"),
        false => model.to_owned(),
    }
}
