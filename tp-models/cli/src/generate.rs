//! `tp generate`: text from a prompt.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::generate::{GenerateOptions, Sampling, generate};
use tp_runtime::model::{self, Inputs};

use super::images;
use super::model::require_language_model;
use super::numbers::{positive, share};
use super::ranks::{Rank, RankArgs};
use super::text;

/// Continues a prompt; the same text at any number of ranks
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The checkpoint's folder: config.json, safetensors and tokenizer.json
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// What to continue
    #[arg(long, value_name = "TEXT")]
    prompt: String,
    /// An image for a model that takes them (PNG, JPEG or WebP); may be given again for more. The prompt marks
    /// its place with `<start_of_image>` (Gemma 3) or `[IMG]` (Mistral 3); without a mark, images come first
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
    /// How many tokens to add at most
    #[arg(long, value_name = "K", default_value_t = 128, value_parser = clap::value_parser!(i64).range(0..))]
    max_new_tokens: i64,
    /// Sample instead of taking the likeliest; higher is wilder
    #[arg(long, value_name = "T", value_parser = positive)]
    temperature: Option<f64>,
    /// Sample among the likeliest tokens that together have this probability
    #[arg(
        long,
        value_name = "P",
        default_value_t = 1.0,
        value_parser = share,
        requires = "temperature"
    )]
    top_p: f64,
    /// Where sampling starts; the same seed gives the same text
    #[arg(long, value_name = "S", default_value_t = 0, requires = "temperature")]
    seed: u64,
    #[command(flatten)]
    ranks: RankArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    args.ranks.run(None, &args.model, |rank| tell(args, &rank))
}

fn tell(args: &Arguments, rank: &Rank) -> Result<()> {
    let checkpoint = Checkpoint::open(&args.model)?;
    let shapes = model::build(checkpoint.config())?;
    require_language_model(&*shapes, "`tp generate`")?;
    let tokenizer = text::tokenizer(&args.model.join("tokenizer.json"))?;
    let prompt = match args.image.as_slice() {
        [] => Inputs::new(text::ids(&text::encode(&tokenizer, &args.prompt, true)?)),
        images => images::prompt(
            &args.model,
            checkpoint.config(),
            &tokenizer,
            &args.prompt,
            images,
        )?,
    };
    ensure!(
        prompt.input_ids.numel() > 0,
        "the prompt has no tokens: give at least one word"
    );
    let model = rank.load(&checkpoint)?;
    let options = GenerateOptions {
        max_new_tokens: args.max_new_tokens,
        sampling: match args.temperature {
            None => Sampling::Greedy,
            Some(temperature) => Sampling::Random {
                temperature,
                top_p: args.top_p,
                seed: args.seed,
            },
        },
        stop: text::end_tokens(&args.model, checkpoint.config())?,
    };
    let ids = Vec::<i64>::try_from(prompt.input_ids.squeeze_dim(0))?;
    let mut stream = text::Stream::after(&tokenizer, &ids)?;
    let mut failure = None;
    let mut show = |text: &str| {
        if rank.is_first && failure.is_none() {
            let mut out = std::io::stdout();
            failure = out
                .write_all(text.as_bytes())
                .and_then(|()| out.flush())
                .err();
        }
    };
    show(&args.prompt);
    let prompt = prompt.to_device(rank.options.device);
    let mut decoding = Ok(());
    let _ = generate(&model, &prompt, &options, |chosen| {
        let token = chosen.int64_value(&[0]);
        if options.stop.contains(&token) {
            return ControlFlow::Break(());
        }
        match stream.push(token) {
            Ok(text) => show(&text),
            Err(error) => {
                decoding = Err(error);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    decoding?;
    show(&stream.finish()?);
    show("\n");
    // A reader that has enough, such as `head`, is no failure.
    match failure {
        Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
