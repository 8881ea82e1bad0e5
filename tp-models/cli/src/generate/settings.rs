//! How tokens are chosen: the checkpoint's settings, and the flags that win over them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;
use tp_runtime::generate::{GenerateOptions, GenerationConfig};

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
    /// A text that ends a text where it comes, beside those of generation_config.json; may be given again for more
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    stop: Vec<String>,
    /// Where sampling starts; the same seed gives the same text. The prompts of a file have the seeds S, S + 1, …,
    /// in its order [default: 0]
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
        settings.stop_strings.extend(self.stop.iter().cloned());
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

    /// How prompts with these numbers are continued.
    pub(super) fn options(
        &self,
        settings: &GenerationConfig,
        numbers: &[usize],
    ) -> GenerateOptions {
        let seed = self.seed.unwrap_or(0);
        let seeds: Vec<u64> = numbers
            .iter()
            .map(|&number| seed.wrapping_add(number as u64))
            .collect();
        let max_new_tokens = self.max_new_tokens.or(settings.max_new_tokens);
        let max_length = settings.max_length.filter(|_| max_new_tokens.is_none());
        GenerateOptions {
            max_length,
            // A rank of one has the GPU to itself in this process; others are never captured.
            capture: true,
            ..settings.options(max_new_tokens.or(max_length).unwrap_or(NEW_TOKENS), &seeds)
        }
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
