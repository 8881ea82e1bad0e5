//! `tp merge`: a model with its adapter merged into its weights.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::lora::Adapter;

use super::hub::{Files, resolve};
use super::ranks::RankArgs;

/// Writes a model with a LoRA adapter merged into its weights, in the Hugging Face layout
///
/// The weights are those of --dtype: f32 unless told otherwise.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The model that the adapter is for: its folder, or its name on the hub, `org/name` or `org/name@revision`
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// The adapter's folder, as `tp train --lora-rank` and PEFT write it
    #[arg(long, value_name = "DIR")]
    adapter: PathBuf,
    /// Where the merged model goes
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    ranks: RankArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    let adapter = Adapter::open(&args.adapter)?;
    let model = resolve(&args.model, Files::Checkpoint)?;
    let same = |other: &PathBuf| other.canonicalize().ok() == args.output.canonicalize().ok();
    ensure!(
        !args.output.exists() || !(same(&model) || same(&args.adapter)),
        "--output is the folder that is read: give another one"
    );
    args.ranks.run(None, &model, |rank| {
        let loaded = rank.load_with(&Checkpoint::open(&model)?, Some(&adapter))?;
        loaded.save_merged(&args.output)?;
        if rank.is_first {
            println!("saved {}", args.output.display());
        }
        Ok(())
    })
}
