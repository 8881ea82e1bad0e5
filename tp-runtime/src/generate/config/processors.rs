//! The processors that settings ask for, in transformers' order.

use super::super::LogitsProcessor;
use super::GenerationConfig;

/// What transformers samples among unless told otherwise.
const TOP_K: i64 = 50;

impl GenerationConfig {
    /// What becomes of the scores.
    pub(super) fn processors(&self) -> Vec<LogitsProcessor> {
        let mut processors = self.of_any_choice();
        if self.samples() {
            processors.extend(self.of_sampling());
        }
        processors
    }

    fn of_any_choice(&self) -> Vec<LogitsProcessor> {
        use LogitsProcessor as P;
        let end = || self.eos_token_id.clone();
        let has_end = !self.eos_token_id.is_empty();
        // As in transformers, a least number of new tokens counts, and that of all beside it does not.
        let least = self.min_length.filter(|_| self.min_new_tokens.is_none());
        let decay = self.exponential_decay_length_penalty;
        [
            self.sequence_bias.clone().map(P::SequenceBias),
            factor(self.encoder_repetition_penalty).map(P::EncoderRepetitionPenalty),
            factor(self.repetition_penalty).map(P::RepetitionPenalty),
            count(self.no_repeat_ngram_size).map(P::NoRepeatNgram),
            count(self.encoder_no_repeat_ngram_size).map(P::EncoderNoRepeatNgram),
            self.bad_words().map(P::SequenceBias),
            count(least)
                .filter(|_| has_end)
                .map(|tokens| P::MinLength { tokens, end: end() }),
            count(self.min_new_tokens)
                .filter(|_| has_end)
                .map(|tokens| P::MinNewTokens { tokens, end: end() }),
            self.forced_bos_token_id.map(P::ForcedFirst),
            list(&self.forced_eos_token_id).map(P::ForcedLast),
            (self.remove_invalid_values == Some(true)).then_some(P::RemoveInvalid),
            decay.map(|(start, factor)| P::ExponentialDecay {
                start,
                factor,
                end: end(),
            }),
            list(&self.suppress_tokens).map(P::Suppress),
            list(&self.begin_suppress_tokens).map(|tokens| P::SuppressAtBegin {
                tokens,
                after_forced: self.forced_bos_token_id.is_some(),
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn of_sampling(&self) -> impl Iterator<Item = LogitsProcessor> {
        use LogitsProcessor as P;
        let cutoff = |epsilon: Option<f64>| epsilon.filter(|&part| 0.0 < part && part < 1.0);
        let part = |share: Option<f64>| share.filter(|&share| share < 1.0);
        let top_k = self.top_k.unwrap_or(TOP_K);
        [
            factor(self.temperature).map(P::Temperature),
            self.top_h.map(P::TopH),
            (top_k != 0).then_some(P::TopK(top_k)),
            part(self.top_p).map(P::TopP),
            self.min_p.map(P::MinP),
            part(self.typical_p).map(P::TypicalP),
            cutoff(self.epsilon_cutoff).map(P::EpsilonCutoff),
            cutoff(self.eta_cutoff).map(P::EtaCutoff),
        ]
        .into_iter()
        .flatten()
    }

    /// Sequences that never come; an end token alone is none of them.
    fn bad_words(&self) -> Option<Vec<(Vec<i64>, f64)>> {
        let words = self.bad_words_ids.as_ref()?.iter();
        let is_end = |word: &[i64]| matches!(word, [one] if self.eos_token_id.contains(one));
        let words = words.filter(|word| !is_end(word));
        Some(
            words
                .map(|word| (word.clone(), f64::NEG_INFINITY))
                .collect(),
        )
    }
}

/// A factor that changes something.
fn factor(number: Option<f64>) -> Option<f64> {
    number.filter(|&number| number != 1.0)
}

/// A number that changes something.
fn count(number: Option<i64>) -> Option<i64> {
    number.filter(|&number| number > 0)
}

fn list(tokens: &[i64]) -> Option<Vec<i64>> {
    (!tokens.is_empty()).then(|| tokens.to_vec())
}
