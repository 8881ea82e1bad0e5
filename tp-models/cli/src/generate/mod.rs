//! `tp generate`: text from a prompt.

mod settings;
mod stop;

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use clap::Args;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::generate::{GenerateOptions, generate};
use tp_runtime::model::{self, Inputs};

use self::settings::{SettingArgs, remark};
use self::stop::StopStrings;
use super::hub::{Files, resolve};
use super::images;
use super::model::require_language_model;
use super::ranks::{Rank, RankArgs};
use super::text;

/// Continues a prompt; the same text at any number of ranks
///
/// Tokens are chosen as the checkpoint's generation_config.json says, as transformers' `generate` does; flags win
/// over it. What it asks for beyond that is named on stderr.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The checkpoint's folder, config.json, safetensors and tokenizer.json; or its name on the hub: `org/name`, `org/name@revision`
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// What to continue
    #[arg(long, value_name = "TEXT")]
    prompt: String,
    /// An image for a model that takes them (PNG, JPEG or WebP); may be given again for more. The prompt marks
    /// its place with `<start_of_image>` (Gemma 3) or `[IMG]` (Mistral 3); without a mark, images come first
    #[arg(long, value_name = "FILE")]
    image: Vec<PathBuf>,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    ranks: RankArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    let dir = resolve(&args.model, Files::Checkpoint)?;
    (args.ranks).run(None, &dir, |rank| tell(args, &dir, &rank))
}

fn tell(args: &Arguments, dir: &Path, rank: &Rank) -> Result<()> {
    let checkpoint = Checkpoint::open(dir)?;
    let shapes = model::build(checkpoint.config())?;
    require_language_model(&*shapes, "`tp generate`")?;
    let tokenizer = text::tokenizer(&dir.join("tokenizer.json"))?;
    let prompt = match args.image.as_slice() {
        [] => Inputs::new(text::ids(&text::encode(&tokenizer, &args.prompt, true)?)),
        images => images::prompt(dir, checkpoint.config(), &tokenizer, &args.prompt, images)?,
    };
    ensure!(
        prompt.input_ids.numel() > 0,
        "the prompt has no tokens: give at least one word"
    );
    let settings = args.settings.settings(dir, checkpoint.config())?;
    let length = prompt.input_ids.size()[1];
    let new_tokens = args.settings.new_tokens(&settings, length)?;
    let model = rank.load(&checkpoint)?;
    if rank.is_first {
        remark(&settings);
    }
    let options = GenerateOptions {
        // A rank of one has the GPU to itself in this process; others are never captured.
        capture: true,
        ..settings.options(length, new_tokens, args.settings.seed())
    };
    let ids = Vec::<i64>::try_from(prompt.input_ids.squeeze_dim(0))?;
    let mut stream = text::Stream::after(&tokenizer, &ids)?;
    let mut stops = StopStrings::after(&tokenizer, &settings.stop_strings, &ids)?;
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
    let prompt = model.upload(&prompt)?;
    let mut decoding = Ok(());
    let _ = generate(&model, &prompt, &options, |chosen| {
        let token = chosen.int64_value(&[0]);
        if options.stop.contains(&token) {
            return ControlFlow::Break(());
        }
        let step = stream.push(token).and_then(|text| {
            show(&text);
            stops.end_in(token)
        });
        match step {
            Ok(false) => ControlFlow::Continue(()),
            Ok(true) => ControlFlow::Break(()),
            Err(error) => {
                decoding = Err(error);
                ControlFlow::Break(())
            }
        }
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
