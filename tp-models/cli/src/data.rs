//! `tp data`: what a model would learn from rows.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokenizers::Tokenizer;
use tp_data::{IGNORED_LABEL, Sample};

use super::hub::{Files, resolve};
use super::numbers::count;
use super::output::{print, print_json};
use super::text;
use super::train::corpus::{DataFile, Reading, data_file};
use super::train::rows::{RowArgs, Rows};

/// Shows rows as tokens with their labels, and what a file of them holds
///
/// Tokens that are learned stand in brackets, `[token]`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Files of rows: .jsonl, .json, .ndjson, .parquet; `FILE=W` counts each row W times
    #[arg(value_name = "FILE", required = true, value_parser = data_file)]
    files: Vec<DataFile>,
    /// Whose tokenizer and chat template: a folder, or a name on the hub, `org/name` or `org/name@revision`
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Tokens in a sequence, at most
    #[arg(long, value_name = "S", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(2..=1 << 24))]
    sequence: u64,
    /// How many samples to show
    #[arg(long, value_name = "N", default_value = "3", value_parser = count)]
    show: NonZeroUsize,
    /// Print JSON instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rows: RowArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    let model = resolve(&args.model, Files::Companions)?;
    let tokenizer = text::tokenizer(&model.join("tokenizer.json"))?;
    let reading = Reading {
        model: &model,
        sequence: args.sequence,
        seed: 0,
        rows: &args.rows,
        is_first: false,
    };
    let rows = Rows::open(&args.files, reading)?;
    let shown = 0..rows.data().len().min(args.show.get());
    let shown = shown.map(|index| Ok(rows.data().get(index)?));
    let shown = shown.collect::<Result<Vec<Sample>>>()?;
    if args.json {
        let samples = shown
            .iter()
            .map(|sample| json!({ "ids": sample.ids, "labels": sample.labels }));
        return print_json(&json!({
            "samples": samples.collect::<Vec<_>>(),
            "statistics": rows.data().statistics(),
            "packed": rows.packed(),
        }));
    }
    for (index, sample) in shown.iter().enumerate() {
        let (tokens, labels) = (sample.ids.len(), sample.labelled());
        print(format!(
            "sample {index}: {tokens} tokens, {labels} of them learned"
        ))?;
        print(marked(&tokenizer, sample)? + "\n")?;
    }
    print(rows)
}

/// A sample's tokens one after another, those that are learned in brackets.
fn marked(tokenizer: &Tokenizer, sample: &Sample) -> Result<String> {
    let mut line = String::new();
    for (&id, &label) in sample.ids.iter().zip(&sample.labels) {
        let token = tokenizer
            .id_to_token(u32::try_from(id)?)
            .unwrap_or_default();
        match label {
            IGNORED_LABEL => write!(line, "{token} ")?,
            _ => write!(line, "[{token}] ")?,
        }
    }
    Ok(line)
}
