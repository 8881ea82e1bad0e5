//! Loads one checkpoint at several degrees and shows that nothing depends on the degree.
//!
//! `cargo run -p tp-examples --bin same-at-any-degree -- --model DIR --prompt TEXT --tp 1 2 4`

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, anyhow, ensure};
use clap::Parser;
use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::model::Inputs;
use tp_runtime::parallel::{ParallelModel, ParallelOptions};

/// Loads one checkpoint at several degrees and shows that nothing depends on the degree.
#[derive(Parser)]
struct Arguments {
    /// The checkpoint's folder
    #[arg(long)]
    model: PathBuf,
    /// What to continue
    #[arg(long)]
    prompt: String,
    /// The degrees to compare
    #[arg(long, num_args = 1.., required = true)]
    tp: Vec<usize>,
    /// How many tokens to add at most
    #[arg(long, default_value_t = 120)]
    max_new_tokens: i64,
}

/// What one degree makes of the prompt.
struct Outcome {
    logits: Tensor,
    tokens: Vec<i64>,
    bytes_per_rank: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let tokenizer = tp_cli::tokenizer(&arguments.model.join("tokenizer.json"))?;
    let encoding = tokenizer
        .encode(arguments.prompt.as_str(), true)
        .map_err(|error| anyhow!("cannot encode the prompt: {error}"))?;
    let prompt: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
    let mut reference: Option<Outcome> = None;
    for &degree in &arguments.tp {
        let outcome = launch(&Launch::new(degree), |rank| run(&arguments, &prompt, rank))?;
        let ids: Vec<u32> = outcome.tokens.iter().map(|&id| id as u32).collect();
        let text = tokenizer
            .decode(&ids, true)
            .map_err(|error| anyhow!("{error}"))?;
        let size = outcome.bytes_per_rank as f64 / 1024.0;
        println!(
            "\n{degree} {}, {size:.0} KiB of parameters each:\n  {}",
            if degree == 1 { "rank" } else { "ranks" },
            text.trim()
        );
        let reference = reference.get_or_insert_with(|| outcome.copy());
        let apart = (&outcome.logits - &reference.logits).abs().max();
        let scale = reference.logits.abs().max();
        let (apart, scale) = (f64::try_from(apart)?, f64::try_from(scale)?);
        println!("  logits differ by at most {apart:.1e}, where the largest is {scale:.1}");
        ensure!(apart <= 1e-4 * scale, "{degree} ranks give other logits");
        ensure!(
            outcome.tokens == reference.tokens,
            "{degree} ranks tell another tale"
        );
    }
    println!(
        "\nthe same logits and the same text at {:?} ranks",
        arguments.tp
    );
    Ok(())
}

fn run(arguments: &Arguments, prompt: &[i64], rank: RankContext) -> tp_runtime::Result<Outcome> {
    let mesh = rank.mesh(&[("tp", rank.world_size())])?;
    let checkpoint = Checkpoint::open(&arguments.model)?;
    let (model, report) = ParallelModel::load(&checkpoint, &mesh, ParallelOptions::default())?;
    let ids = Tensor::from_slice(prompt).unsqueeze(0);
    let logits = tch::no_grad(|| {
        model
            .forward(&Inputs::new(ids.shallow_clone()), None)?
            .full()
    })?;
    let stop = checkpoint.config()["eos_token_id"]
        .as_i64()
        .into_iter()
        .collect();
    let options = GenerateOptions {
        stop,
        ..GenerateOptions::greedy(arguments.max_new_tokens)
    };
    let tokens = generate(&model, &Inputs::new(ids), &options, |_| {
        ControlFlow::Continue(())
    })?;
    Ok(Outcome {
        logits: logits.to_kind(Kind::Double),
        tokens: Vec::try_from(tokens.squeeze_dim(0))?,
        bytes_per_rank: report.parameter_bytes,
    })
}

impl Outcome {
    fn copy(&self) -> Self {
        Self {
            logits: self.logits.shallow_clone(),
            tokens: self.tokens.clone(),
            bytes_per_rank: self.bytes_per_rank,
        }
    }
}
