//! What the numbers of a processor may be.

use super::LogitsProcessor;
use crate::model::InputError;

impl LogitsProcessor {
    /// Refuses numbers that make no sense for a `vocabulary` of so many tokens.
    ///
    /// # Errors
    /// When one is out of its range, with its name in transformers.
    pub(in crate::generate) fn check(&self, vocabulary: i64) -> Result<(), InputError> {
        match self {
            Self::SequenceBias(biases) => biases
                .iter()
                .flat_map(|(sequence, _)| sequence)
                .try_for_each(|&token| known("sequence_bias", token, vocabulary)),
            Self::ForcedFirst(token) => known("forced_bos_token_id", *token, vocabulary),
            Self::ForcedLast(tokens) => tokens
                .iter()
                .try_for_each(|&token| known("forced_eos_token_id", token, vocabulary)),
            Self::EncoderRepetitionPenalty(penalty) => {
                above_zero("encoder_repetition_penalty", *penalty)
            }
            Self::RepetitionPenalty(penalty) => above_zero("repetition_penalty", *penalty),
            Self::Temperature(temperature) => above_zero("temperature", *temperature),
            Self::NoRepeatNgram(size) => at_least_one("no_repeat_ngram_size", *size),
            Self::EncoderNoRepeatNgram(size) => at_least_one("encoder_no_repeat_ngram_size", *size),
            Self::TopK(count) => at_least_one("top_k", *count),
            Self::TopH(share) => above_zero("top_h", *share).and(part("top_h", *share)),
            Self::TopP(probability) => part("top_p", *probability),
            Self::MinP(share) => part("min_p", *share),
            Self::TypicalP(probability) => {
                above_zero("typical_p", *probability).and(part("typical_p", *probability))
            }
            Self::EpsilonCutoff(epsilon) => part("epsilon_cutoff", *epsilon),
            Self::EtaCutoff(epsilon) => part("eta_cutoff", *epsilon),
            Self::MinLength { .. }
            | Self::MinNewTokens { .. }
            | Self::RemoveInvalid
            | Self::ExponentialDecay { .. }
            | Self::Suppress(_)
            | Self::SuppressAtBegin { .. } => Ok(()),
        }
    }
}

fn known(name: &'static str, token: i64, vocabulary: i64) -> Result<(), InputError> {
    match (0..vocabulary).contains(&token) {
        true => Ok(()),
        false => Err(InputError::SettingToken {
            name,
            token,
            vocabulary,
        }),
    }
}

fn above_zero(name: &'static str, number: f64) -> Result<(), InputError> {
    within(name, number, number > 0.0, "a number above 0")
}

fn part(name: &'static str, number: f64) -> Result<(), InputError> {
    let fits = (0.0..=1.0).contains(&number);
    within(name, number, fits, "a number from 0 to 1")
}

fn at_least_one(name: &'static str, number: i64) -> Result<(), InputError> {
    within(name, number as f64, number >= 1, "a whole number above 0")
}

fn within(
    name: &'static str,
    found: f64,
    fits: bool,
    expected: &'static str,
) -> Result<(), InputError> {
    match fits && found.is_finite() {
        true => Ok(()),
        false => Err(InputError::Setting {
            name,
            found,
            expected,
        }),
    }
}
