//! `generation_config.json`: how a checkpoint wants to be continued.

mod processors;
mod unread;

use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{GenerateOptions, Sampling};
use crate::config::{self, ConfigError};

/// The settings of `generate` that a checkpoint comes with, under transformers' names.
///
/// What is not set has transformers' default, but for the length: [`GenerationConfig::new_tokens`] is asked for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "transformers documents them under these names")]
pub struct GenerationConfig {
    pub max_length: Option<i64>,
    pub max_new_tokens: Option<i64>,
    pub min_length: Option<i64>,
    pub min_new_tokens: Option<i64>,
    #[serde(deserialize_with = "one_or_more")]
    pub stop_strings: Vec<String>,
    #[serde(deserialize_with = "one_or_more")]
    pub eos_token_id: Vec<i64>,
    pub do_sample: Option<bool>,
    pub temperature: Option<f64>,
    pub top_h: Option<f64>,
    pub top_k: Option<i64>,
    pub top_p: Option<f64>,
    pub min_p: Option<f64>,
    pub typical_p: Option<f64>,
    pub epsilon_cutoff: Option<f64>,
    pub eta_cutoff: Option<f64>,
    pub sequence_bias: Option<Vec<(Vec<i64>, f64)>>,
    pub encoder_repetition_penalty: Option<f64>,
    pub repetition_penalty: Option<f64>,
    pub no_repeat_ngram_size: Option<i64>,
    pub encoder_no_repeat_ngram_size: Option<i64>,
    pub bad_words_ids: Option<Vec<Vec<i64>>>,
    pub forced_bos_token_id: Option<i64>,
    #[serde(deserialize_with = "one_or_more")]
    pub forced_eos_token_id: Vec<i64>,
    pub remove_invalid_values: Option<bool>,
    pub exponential_decay_length_penalty: Option<(i64, f64)>,
    #[serde(deserialize_with = "one_or_more")]
    pub suppress_tokens: Vec<i64>,
    #[serde(deserialize_with = "one_or_more")]
    pub begin_suppress_tokens: Vec<i64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl GenerationConfig {
    /// The settings beside the checkpoint in `dir`; where it has no `generation_config.json`, those that its
    /// `config` has among its own fields, as older ones do.
    ///
    /// # Errors
    /// When the file cannot be read, or a setting is of another type.
    pub fn beside(dir: &Path, config: &Value) -> Result<Self, ConfigError> {
        let file = dir.join("generation_config.json");
        if file.exists() {
            return read(&config::read(&file)?);
        }
        let mut settings = config["text_config"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let own = config.as_object().into_iter().flatten();
        let own = own.filter(|(_, value)| !value.is_null());
        settings.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        let settings = read(&Value::Object(settings))?;
        Ok(Self {
            // The fields of the model.
            others: Map::new(),
            ..settings
        })
    }

    /// How many tokens it adds to a prompt of so many at most; `None` where it does not say.
    pub fn new_tokens(&self, prompt: i64) -> Option<i64> {
        let left = self.max_length.map(|length| (length - prompt).max(0));
        self.max_new_tokens.or(left)
    }

    /// What [`generate`](super::generate) is asked for.
    ///
    /// `seeds` are where the sampling of each row starts, if the settings ask for it. [`Self::stop_strings`] are
    /// about text, which `generate` knows nothing of.
    pub fn options(&self, max_new_tokens: i64, seeds: &[u64]) -> GenerateOptions {
        GenerateOptions {
            max_new_tokens,
            max_length: None,
            processors: self.processors(),
            sampling: match self.samples() {
                true => Sampling::Random {
                    seeds: seeds.to_vec(),
                },
                false => Sampling::Greedy,
            },
            stop: self.eos_token_id.clone(),
            capture: false,
        }
    }

    /// Whether tokens are drawn at random.
    pub fn samples(&self) -> bool {
        self.do_sample == Some(true)
    }
}

fn read(settings: &Value) -> Result<GenerationConfig, ConfigError> {
    serde_path_to_error::deserialize(settings).map_err(|error| ConfigError::Field {
        path: error.path().to_string(),
        reason: error.inner().to_string(),
    })
}

/// A list, the one element of a list, or nothing.
fn one_or_more<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore<T> {
        One(T),
        More(Vec<T>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(OneOrMore::One(one)) => vec![one],
        Some(OneOrMore::More(more)) => more,
    })
}
