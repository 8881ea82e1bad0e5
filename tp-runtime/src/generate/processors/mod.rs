//! What becomes of the scores of a next token before one is chosen.
//!
//! Names, definitions and order are those of transformers; scores are `[batch, vocabulary]` in f32, and ids
//! `[batch, tokens]`.

mod bias;
mod check;
mod entropy;
mod length;
mod repetition;
mod truncation;

use tch::{TchError, Tensor};

/// How far rows of one length have come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The tokens so far, `[rows, tokens]`, those of the prompt among them, and no padding.
    pub ids: &'a Tensor,
    /// How many tokens the prompt has.
    pub prompt: i64,
    /// How many tokens there will be at most, with the prompt.
    pub limit: i64,
}

/// A change of scores.
#[derive(Clone, Debug, PartialEq)]
pub enum LogitsProcessor {
    /// Adds to the score of the last token of each sequence where the tokens before it stand.
    SequenceBias(Vec<(Vec<i64>, f64)>),
    /// Above 1, makes the tokens of the prompt likelier.
    EncoderRepetitionPenalty(f64),
    /// Above 1, makes the tokens that were there less likely (Keskar et al. 2019).
    RepetitionPenalty(f64),
    /// No run of so many tokens comes twice.
    NoRepeatNgram(i64),
    /// No run of so many tokens of the prompt comes again.
    EncoderNoRepeatNgram(i64),
    /// No `end` token before there are so many tokens, the prompt among them.
    MinLength {
        /// How many.
        tokens: i64,
        /// What must not come before.
        end: Vec<i64>,
    },
    /// No `end` token before there are so many new tokens.
    MinNewTokens {
        /// How many.
        tokens: i64,
        /// What must not come before.
        end: Vec<i64>,
    },
    /// The first token of all, where the prompt is one token.
    ForcedFirst(i64),
    /// The last token, where none has ended the text before.
    ForcedLast(Vec<i64>),
    /// Takes NaN for 0 and infinities for the greatest numbers.
    RemoveInvalid,
    /// Makes `end` tokens likelier, the more the longer the text.
    ExponentialDecay {
        /// After how many new tokens it begins.
        start: i64,
        /// The growth with each token.
        factor: f64,
        /// What becomes likelier.
        end: Vec<i64>,
    },
    /// Tokens that never come.
    Suppress(Vec<i64>),
    /// Tokens that do not come first.
    SuppressAtBegin {
        /// What does not come there.
        tokens: Vec<i64>,
        /// Whether [`Self::ForcedFirst`] chooses the first after a prompt of one token: the next one is meant then.
        after_forced: bool,
    },
    /// What scores are divided by: higher is wilder.
    Temperature(f64),
    /// The likeliest tokens with so much of the entropy of the hundred likeliest (Potraghloo et al. 2025).
    TopH(f64),
    /// The likeliest so many tokens, and those that are as likely as the last of them (Fan et al. 2018).
    TopK(i64),
    /// The likeliest tokens that together have this probability (Holtzman et al. 2020).
    TopP(f64),
    /// Tokens with at least this part of the likeliest one's probability (Nguyen et al. 2024).
    MinP(f64),
    /// Tokens of about the expected information, with this probability together (Meister et al. 2022).
    TypicalP(f64),
    /// Tokens of at least this probability (Hewitt et al. 2022).
    EpsilonCutoff(f64),
    /// The same with a probability that falls with the entropy (Hewitt et al. 2022).
    EtaCutoff(f64),
}

impl LogitsProcessor {
    /// The scores that it makes of `scores`.
    ///
    /// # Shapes
    /// `[batch, vocabulary]` → `[batch, vocabulary]`
    ///
    /// # Errors
    /// When a tensor is of another shape or type.
    pub fn apply(&self, scores: &Tensor, progress: Progress<'_>) -> Result<Tensor, TchError> {
        let Progress { ids, prompt, limit } = progress;
        let length = ids.size()[1];
        let prompt_ids = || ids.f_narrow(1, 0, prompt);
        match self {
            Self::SequenceBias(biases) => bias::sequences(scores, ids, biases),
            Self::EncoderRepetitionPenalty(penalty) => {
                repetition::penalty(scores, &prompt_ids()?, 1.0 / penalty)
            }
            Self::RepetitionPenalty(penalty) => repetition::penalty(scores, ids, *penalty),
            Self::NoRepeatNgram(size) => repetition::ngrams(scores, ids, ids, *size),
            Self::EncoderNoRepeatNgram(size) => {
                repetition::ngrams(scores, &prompt_ids()?, ids, *size)
            }
            Self::MinLength { tokens, end } if length < *tokens => bias::without(scores, end),
            Self::MinNewTokens { tokens, end } if length - prompt < *tokens => {
                bias::without(scores, end)
            }
            Self::ForcedFirst(token) if length == 1 => bias::only(scores, &[*token]),
            Self::ForcedLast(tokens) if length == limit - 1 => bias::only(scores, tokens),
            Self::RemoveInvalid => {
                let greatest = f64::from(f32::MAX);
                scores.f_nan_to_num(0.0, greatest, -greatest)
            }
            Self::ExponentialDecay { start, factor, end } => {
                length::exponential_decay(scores, end, length - prompt - start, *factor)
            }
            Self::Suppress(tokens) => bias::without(scores, tokens),
            Self::SuppressAtBegin {
                tokens,
                after_forced,
            } if length == prompt + i64::from(*after_forced && prompt == 1) => {
                bias::without(scores, tokens)
            }
            Self::Temperature(temperature) => scores.f_div_scalar(*temperature),
            Self::TopH(share) => entropy::top_h(scores, *share),
            Self::TopK(count) => truncation::top_k(scores, *count),
            Self::TopP(probability) => truncation::top_p(scores, *probability),
            Self::MinP(share) => truncation::min_p(scores, *share),
            Self::TypicalP(probability) => entropy::typical_p(scores, *probability),
            Self::EpsilonCutoff(epsilon) => truncation::epsilon_cutoff(scores, *epsilon),
            Self::EtaCutoff(epsilon) => entropy::eta_cutoff(scores, *epsilon),
            Self::MinLength { .. }
            | Self::MinNewTokens { .. }
            | Self::ForcedFirst(_)
            | Self::ForcedLast(_)
            | Self::SuppressAtBegin { .. } => Ok(scores.shallow_clone()),
        }
    }
}
