//! What every way of generating begins with: the checkpoint on one rank, and how it is to be continued.

use std::path::Path;

use anyhow::{Result, ensure};
use tokenizers::Tokenizer;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::generate::{GenerateOptions, Generation, GenerationConfig};
use tp_runtime::lora::Adapter;
use tp_runtime::model;
use tp_runtime::parallel::ParallelModel;

use super::Arguments;
use super::positions::positions;
use super::prompts::Prompt;
use super::rows::{Told, tell};
use super::settings::remark;
use super::speech::Speech;
use crate::model::require_language_model;
use crate::ranks::Rank;
use crate::text;

/// One rank's view of a run.
pub(super) struct Session<'a> {
    pub(super) args: &'a Arguments,
    /// The checkpoint's folder.
    pub(super) dir: &'a Path,
    pub(super) rank: &'a Rank,
    pub(super) checkpoint: Checkpoint,
    pub(super) tokenizer: Tokenizer,
    settings: GenerationConfig,
    /// How many positions the model was made for.
    positions: Option<i64>,
}

impl<'a> Session<'a> {
    /// Reads all but the weights.
    ///
    /// # Errors
    /// When a file cannot be read, the model chooses no tokens, or the settings make no sense.
    pub(super) fn open(args: &'a Arguments, dir: &'a Path, rank: &'a Rank) -> Result<Self> {
        let checkpoint = Checkpoint::open(dir)?;
        let shapes = model::build(checkpoint.config())?;
        require_language_model(&*shapes, "`tp generate`")?;
        let tokenizer = text::tokenizer(&dir.join("tokenizer.json"))?;
        let settings = args.settings.settings(dir, checkpoint.config())?;
        let positions = positions(checkpoint.config());
        Ok(Self {
            args,
            dir,
            rank,
            checkpoint,
            tokenizer,
            settings,
            positions,
        })
    }

    /// This rank's part of the model; what of the settings is not carried out goes to stderr.
    pub(super) fn load(&self) -> Result<ParallelModel> {
        let adapter = self
            .args
            .adapter
            .as_deref()
            .map(Adapter::open)
            .transpose()?;
        let model = self.rank.load_with(&self.checkpoint, adapter.as_ref())?;
        if self.rank.is_first {
            remark(&self.settings);
        }
        Ok(model)
    }

    /// Whether there is something to continue, and room for it.
    pub(super) fn check(&self, prompt: &Prompt) -> Result<()> {
        let tokens = prompt.ids.len() as i64;
        ensure!(
            tokens > 0,
            "the prompt has no tokens: give at least one word"
        );
        if let Some(positions) = self.positions {
            ensure!(
                tokens <= positions,
                "the prompt has {tokens} tokens, and the model was made for {positions} \
                 (`max_position_embeddings`): give a shorter one"
            );
        }
        let longest = self.options(&[0]).max_length;
        ensure!(
            longest.is_none_or(|length| tokens < length),
            "the prompt has {tokens} tokens, and generation_config.json has `max_length` {}: give --max-new-tokens",
            longest.unwrap_or_default()
        );
        Ok(())
    }

    /// How the prompts with these numbers are continued.
    pub(super) fn options(&self, numbers: &[usize]) -> GenerateOptions {
        self.args.settings.options(&self.settings, numbers)
    }

    /// Continues the `prompts` that `generation` has begun with; `show` sees each piece of text as it comes.
    pub(super) fn tell(
        &self,
        generation: &mut Generation<'_>,
        prompts: &[&Prompt],
        show: impl FnMut(&str),
    ) -> Result<Vec<Told>> {
        let strings = &self.settings.stop_strings;
        tell(generation, prompts, &self.tokenizer, strings, show)
    }

    /// Continues the one prompt that `generation` has begun with, aloud: piece by piece, or as JSON.
    pub(super) fn tell_aloud(
        &self,
        generation: &mut Generation<'_>,
        prompt: &Prompt,
        speech: &mut Speech,
    ) -> Result<Told> {
        let as_json = self.args.json;
        let mut told = self.tell(generation, &[prompt], |piece| {
            if !as_json {
                speech.say(piece);
            }
        })?;
        let told = told.remove(0);
        if as_json {
            speech.say(&serde_json::to_string(&told)?);
        }
        speech.say("\n");
        Ok(told)
    }
}
