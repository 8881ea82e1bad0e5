//! How tokens are chosen: the checkpoint's settings, and the flags that win over them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;
use tp_runtime::generate::GenerationConfig;

use crate::numbers::{not_negative, positive, ratio, share};
use crate::output::note;

/// How many tokens are added where nobody says.
const NEW_TOKENS: i64 = 128;

/// Flags under the names of transformers' settings.
#[derive(Args, Debug)]
pub(super) struct SettingArgs {
    /// How many tokens to add at most [default: what generation_config.json says, else 128]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(i64).range(0..))]
    max_new_tokens: Option<i64>,
    /// Sample, the wilder the higher; 0 takes the likeliest
    #[arg(long, value_name = "T", value_parser = not_negative)]
    temperature: Option<f64>,
    /// Sample among the K likeliest tokens; 0 for all [default: what generation_config.json says, else 50]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(i64).range(0..))]
    top_k: Option<i64>,
    /// Sample among the likeliest tokens that together have this probability
    #[arg(long, value_name = "P", value_parser = share)]
    top_p: Option<f64>,
    /// Sample among the tokens with at least this part of the likeliest one's probability
    #[arg(long, value_name = "P", value_parser = ratio)]
    min_p: Option<f64>,
    /// Above 1, makes tokens that were there less likely
    #[arg(long, value_name = "FACTOR", value_parser = positive)]
    repetition_penalty: Option<f64>,
    /// Where sampling starts; the same seed gives the same text [default: 0]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl SettingArgs {
    /// The settings of the checkpoint in `dir` under these flags.
    ///
    /// # Errors
    /// When its file cannot be read, or a flag is about sampling and nothing is sampled.
    pub(super) fn settings(&self, dir: &Path, config: &Value) -> Result<GenerationConfig> {
        let mut settings = GenerationConfig::beside(dir, config)
            .with_context(|| format!("the generation settings of `{}`", dir.display()))?;
        if let Some(temperature) = self.temperature {
            settings.do_sample = Some(temperature > 0.0);
            settings.temperature = Some(temperature);
        }
        settings.top_k = self.top_k.or(settings.top_k);
        settings.top_p = self.top_p.or(settings.top_p);
        settings.min_p = self.min_p.or(settings.min_p);
        settings.repetition_penalty = self.repetition_penalty.or(settings.repetition_penalty);
        for (flag, is_given) in [
            ("--top-k", self.top_k.is_some()),
            ("--top-p", self.top_p.is_some()),
            ("--min-p", self.min_p.is_some()),
            ("--seed", self.seed.is_some()),
        ] {
            ensure!(
                !is_given || settings.samples() || self.temperature.is_some(),
                "{flag} is about sampling, and neither --temperature nor the checkpoint asks for it: \
                 give --temperature, too"
            );
        }
        Ok(settings)
    }

    /// How many tokens to add to a prompt of so many.
    ///
    /// # Errors
    /// When the checkpoint's `max_length` leaves room for none.
    pub(super) fn new_tokens(&self, settings: &GenerationConfig, prompt: i64) -> Result<i64> {
        if let Some(given) = self.max_new_tokens {
            return Ok(given);
        }
        let asked = settings.new_tokens(prompt).unwrap_or(NEW_TOKENS);
        ensure!(
            asked > 0,
            "the prompt has {prompt} tokens, and generation_config.json has `max_length` {}: give --max-new-tokens",
            settings.max_length.unwrap_or_default()
        );
        Ok(asked)
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
}

/// Says what of the settings is not carried out.
pub(super) fn remark(settings: &GenerationConfig) {
    let unread = settings.unread();
    if !unread.is_empty() {
        note(&format!(
            "generation_config.json asks for what `tp generate` does not do: {}",
            unread.join(", ")
        ));
    }
}
