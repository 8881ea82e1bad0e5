//! `tp generate`: text from prompts.

mod batches;
mod chat;
mod conversation;
mod file;
mod lines;
mod one;
mod positions;
mod prompts;
mod rate;
mod rows;
mod session;
mod settings;
mod speech;
mod stop;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use self::session::Session;
use self::settings::SettingArgs;
use super::hub::{Files, resolve};
use super::numbers::count;
use super::ranks::RankArgs;

/// Continues prompts; the same text at any number of ranks
///
/// Tokens are chosen as the checkpoint's generation_config.json says, as transformers' `generate` does; flags win
/// over it. What it asks for beyond that is named on stderr.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The checkpoint's folder, config.json, safetensors and tokenizer.json; or its name on the hub: `org/name`, `org/name@revision`
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// A LoRA adapter of the model, as `tp train --lora-rank` and PEFT write it
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// What to continue; with --chat, what the user says
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["prompts", "chat"], conflicts_with = "prompts")]
    prompt: Option<String>,
    /// A file of prompts, one a line; or, where its name ends in .jsonl, an object in each line with `prompt`, a
    /// text, or `messages`, a conversation. Texts are printed in its order
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// How many prompts of the file are continued side by side; each gives the text that it gives alone
    #[arg(long, value_name = "N", default_value = "8", value_parser = count, requires = "prompts",
        conflicts_with_all = ["prompt", "user"])]
    batch_size: NonZeroUsize,
    /// Answer a user, in the words of the checkpoint's chat template; without a text of the user, line after line of
    /// stdin, where /reset forgets the conversation and /exit ends it
    #[arg(long)]
    chat: bool,
    /// What the model is told before the user speaks
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// What the user says
    #[arg(long, value_name = "TEXT", requires = "chat", conflicts_with_all = ["prompt", "prompts"])]
    user: Option<String>,
    /// An image for a model that takes them (PNG, JPEG or WebP); may be given again for more. The prompt marks
    /// its place with `<start_of_image>` (Gemma 3) or `[IMG]` (Mistral 3); without a mark, images come first
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompts", "chat"])]
    image: Vec<PathBuf>,
    /// Print an object in a line for each prompt: prompt, text (what came after it), tokens (how many are new),
    /// finish (length, eos or stop), seconds, tokens_per_second
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    ranks: RankArgs,
}

pub(super) fn run(args: &Arguments) -> Result<()> {
    let dir = resolve(&args.model, Files::Checkpoint)?;
    args.ranks.run(None, &dir, |rank| {
        let session = Session::open(args, &dir, &rank)?;
        let said = args.user.as_ref().or(args.prompt.as_ref());
        match (&args.prompts, said) {
            (Some(file), _) => file::run(&session, file, args.batch_size.get()),
            (None, Some(text)) if args.chat => one::answered(&session, text),
            (None, Some(text)) => one::continued(&session, text, &args.image),
            (None, None) => conversation::run(&session),
        }
    })
}
