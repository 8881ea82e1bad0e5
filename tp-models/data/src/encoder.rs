//! Rows as token sequences with labels.

use serde_json::Value as Json;
use tokenizers::{Encoding, Tokenizer};

use crate::error::RowError;
use crate::row::Row;
use crate::template::ChatTemplate;

/// The label of a token that does not count, as in Hugging Face's libraries.
pub const IGNORED_LABEL: i64 = -100;

/// Which tokens are learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelsOn {
    /// Completions, and what the assistant says; of a row with a text alone, all.
    #[default]
    Answers,
    /// All of them.
    Everything,
}

/// What becomes of rows with more tokens than a sample may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TooLong {
    /// Their first tokens are taken.
    #[default]
    Cut,
    /// They are left out.
    Drop,
}

/// Tokens and what a model should say to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The tokens.
    pub ids: Vec<i64>,
    /// For each token itself, not for the one before it: the token, or [`IGNORED_LABEL`].
    pub labels: Vec<i64>,
}

impl Sample {
    /// How many labels count: the first token is not predicted, so it has none.
    pub fn labelled(&self) -> usize {
        let labels = self.labels.iter().skip(1);
        labels.filter(|&&label| label != IGNORED_LABEL).count()
    }
}

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// A sample.
    Sample {
        /// Its tokens.
        sample: Sample,
        /// Whether the row had more of them.
        is_cut: bool,
    },
    /// Nothing: it has more tokens than a sample may have.
    TooLong,
    /// Nothing: no label of it counts.
    Unlabelled,
}

/// Turns rows into samples.
#[derive(Debug)]
pub struct Encoder {
    /// The checkpoint's, without truncation and padding.
    pub tokenizer: Tokenizer,
    /// What renders conversations, if the checkpoint has it.
    pub template: Option<ChatTemplate>,
    /// The token that ends a text or a completion.
    pub eos_token: u32,
    /// Which tokens are learned.
    pub labels_on: LabelsOn,
    /// The most tokens of a sample.
    pub length: usize,
    /// What becomes of longer rows.
    pub too_long: TooLong,
}

impl Encoder {
    /// What becomes of a row.
    ///
    /// # Errors
    /// When it is a conversation that cannot be rendered, or the tokenizer refuses its text.
    pub fn encode(&self, row: &Row) -> Result<Encoded, RowError> {
        let mut sample = match row {
            Row::Text { text } => self.ended(text, 0)?,
            Row::Completion { prompt, completion } => {
                self.ended(&format!("{prompt}{completion}"), prompt.len())?
            }
            Row::Exchange {
                prompt,
                completion,
                tools,
            } => self.exchange(prompt, completion, tools.as_deref())?,
            Row::Chat { messages, tools } => self.chat(messages, tools.as_deref())?,
        };
        if self.labels_on == LabelsOn::Everything {
            sample.labels.clone_from(&sample.ids);
        }
        let is_cut = sample.ids.len() > self.length;
        if is_cut && self.too_long == TooLong::Drop {
            return Ok(Encoded::TooLong);
        }
        sample.ids.truncate(self.length);
        sample.labels.truncate(self.length);
        Ok(match sample.labelled() {
            0 => Encoded::Unlabelled,
            _ => Encoded::Sample { sample, is_cut },
        })
    }

    /// Whether a row has tools that its text does not show.
    pub(crate) fn hides_tools(&self, row: &Row) -> bool {
        let has_tools = match row {
            Row::Text { .. } | Row::Completion { .. } => false,
            Row::Exchange { tools, .. } | Row::Chat { tools, .. } => {
                tools.as_ref().is_some_and(|tools| !tools.is_empty())
            }
        };
        let template = self.template.as_ref();
        has_tools && template.is_some_and(|template| !template.shows_tools())
    }

    /// A text with the special tokens that the tokenizer adds, and one that ends it; labels from byte `learned` on.
    fn ended(&self, text: &str, learned: usize) -> Result<Sample, RowError> {
        let encoding = self.tokens(text, true)?;
        let mut sample = labelled(&encoding, |byte| byte >= learned);
        let eos = i64::from(self.eos_token);
        match sample.labels.last_mut() {
            Some(label) if sample.ids.last() == Some(&eos) => *label = eos,
            _ => {
                sample.ids.push(eos);
                sample.labels.push(eos);
            }
        }
        Ok(sample)
    }

    /// A conversation with labels on what the assistant says.
    fn chat(&self, messages: &[Json], tools: Option<&[Json]>) -> Result<Sample, RowError> {
        let template = self.template()?;
        let (text, spans) = match self.labels_on {
            LabelsOn::Answers => template.render_with_spans(messages, tools)?,
            LabelsOn::Everything => (template.render(messages, tools, false)?, Vec::new()),
        };
        let is_said = |byte| spans.iter().any(|span| span.contains(&byte));
        Ok(labelled(&self.tokens(&text, false)?, is_said))
    }

    /// A conversation with labels on what comes after its prompt.
    fn exchange(
        &self,
        prompt: &[Json],
        completion: &[Json],
        tools: Option<&[Json]>,
    ) -> Result<Sample, RowError> {
        let template = self.template()?;
        let text = template.render(&[prompt, completion].concat(), tools, false)?;
        let learned = match self.labels_on {
            LabelsOn::Everything => 0,
            LabelsOn::Answers => {
                let given = template.render(prompt, tools, true)?;
                match text.starts_with(&given) {
                    true => given.len(),
                    false => return Err(RowError::Prompt),
                }
            }
        };
        let encoding = self.tokens(&text, false)?;
        Ok(labelled(&encoding, |byte| byte >= learned))
    }

    fn template(&self) -> Result<&ChatTemplate, RowError> {
        self.template.as_ref().ok_or(RowError::NoTemplate)
    }

    fn tokens(&self, text: &str, add_special_tokens: bool) -> Result<Encoding, RowError> {
        let encoded = self.tokenizer.encode(text, add_special_tokens);
        encoded.map_err(|error| RowError::Tokenizer {
            reason: error.to_string(),
        })
    }
}

/// Tokens with labels on those that begin at a byte of the text that is learned.
fn labelled(encoding: &Encoding, is_learned: impl Fn(usize) -> bool) -> Sample {
    let ids: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
    let offsets = encoding.get_offsets().iter();
    let is_added = encoding.get_special_tokens_mask().iter();
    let tokens = ids.iter().zip(offsets.zip(is_added));
    let label = |(&id, (&(start, _), &is_added)): (&i64, (&(usize, usize), &u32))| match is_added
        == 0
        && is_learned(start)
    {
        true => id,
        false => IGNORED_LABEL,
    };
    let labels = tokens.map(label).collect();
    Sample { ids, labels }
}
