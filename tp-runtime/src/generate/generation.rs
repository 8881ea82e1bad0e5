//! Texts that grow side by side, token by token.

use tch::{Kind, Tensor};

use super::rows::{Finish, Rows, Span};
use super::steps::Steps;
use super::{GenerateOptions, Sampler};
use crate::Result;
use crate::model::{InputError, Inputs};
use crate::parallel::ParallelModel;

/// A batch of texts that a model continues; every row ends by itself.
///
/// Every rank makes the same calls and gets the same tokens.
pub struct Generation<'a> {
    model: &'a ParallelModel,
    steps: Steps<'a>,
    sampler: Sampler,
    stop: Vec<i64>,
    prompt: Inputs,
    rows: Rows,
    /// How many positions of padding each row begins with, `[batch, 1]`; `None` without any.
    padding: Option<Tensor>,
    /// The prompts and what came after, `[batch, tokens]`.
    ids: Tensor,
}

impl<'a> Generation<'a> {
    /// Begins with a batch of prompts, shorter ones padded on the left as `attention_mask` says.
    ///
    /// What the prompts hold beside ids and mask, such as images, the model sees once.
    ///
    /// # Errors
    /// When the model cannot take the prompts, or the options make no sense.
    pub fn new(
        model: &'a ParallelModel,
        prompt: &Inputs,
        options: &GenerateOptions,
    ) -> Result<Self> {
        model.check(prompt, 0)?;
        if prompt.position_ids.is_some() {
            return Err(InputError::PromptPositions.into());
        }
        let rows = Rows::of(prompt, options)?;
        let padding = rows.padding(model.device())?;
        let (shortest, limit) = (rows.shortest(), rows.limit());
        if padding.is_some() && model.outgrows_cache(shortest, limit) {
            return Err(InputError::PaddedBeyond { shortest, limit }.into());
        }
        let sampling = options.sampling.clone();
        Ok(Self {
            model,
            steps: Steps::new(model, limit, options.capture),
            sampler: Sampler::new(sampling, &options.processors, model.vocabulary_size())?,
            stop: options.stop.clone(),
            prompt: Inputs {
                // It is made anew for each step.
                attention_mask: None,
                ..prompt.shallow_clone()
            },
            rows,
            padding,
            ids: prompt.input_ids.shallow_clone(),
        })
    }

    /// Begins anew; the model need not see again what both texts begin with, where each is one row of tokens alone.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn restart(self, prompt: &Inputs, options: &GenerateOptions) -> Result<Self> {
        let mut next = Self::new(self.model, prompt, options)?;
        if self.is_bare() && next.is_bare() {
            // The last position of the prompt gives the first token.
            let most = self.steps.length().min(next.ids.size()[1] - 1);
            let kept = common(&self.ids, &next.ids, most)?;
            next.steps.recall(self.steps, kept);
        }
        Ok(next)
    }

    /// The next token of each row, `[batch]`; `None` once all rows have ended. One that has repeats its last token.
    ///
    /// # Errors
    /// When a collective fails, or there is no memory left.
    pub fn step(&mut self) -> Result<Option<Tensor>> {
        if self.rows.have_ended() {
            return Ok(None);
        }
        tch::no_grad(|| self.choose()).map(Some)
    }

    /// Ends a row here.
    pub fn end(&mut self, row: usize) {
        self.rows.end(row);
    }

    /// Why a row has ended; `None` while it goes on.
    pub fn finish(&self, row: usize) -> Option<Finish> {
        self.rows.finish(row)
    }

    /// The prompts and what came after, `[batch, tokens]`, padding included.
    pub fn into_ids(self) -> Tensor {
        self.ids
    }

    fn choose(&mut self) -> Result<Tensor> {
        let inputs = self.unseen()?;
        let logits = self.steps.logits(&inputs)?;
        let spans = self.rows.spans(&self.ids)?;
        let progress: Vec<_> = spans.iter().map(Span::progress).collect();
        let mut chosen = self.sampler.choose(&logits, &progress)?;
        if let Some(ended) = self.rows.ended(chosen.device())? {
            let last = self.ids.f_select(1, -1)?;
            chosen = last.f_where_self(&ended, &chosen)?;
        }
        self.ids = Tensor::f_cat(&[&self.ids, &chosen.f_unsqueeze(1)?], 1)?;
        self.rows.advance(&chosen, self.ids.size()[1], &self.stop)?;
        Ok(chosen)
    }

    /// What the model has not seen of the texts.
    fn unseen(&mut self) -> Result<Inputs> {
        let length = self.ids.size()[1];
        if self.steps.length() > 0 && self.model.outgrows_cache(self.steps.length(), length) {
            self.steps.forget();
        }
        let seen = self.steps.length();
        let input_ids = self.ids.f_narrow(1, seen, length - seen)?;
        let inputs = Inputs {
            logits_to_keep: Some(1),
            ..match seen {
                0 => Inputs {
                    input_ids,
                    ..self.prompt.shallow_clone()
                },
                _ => Inputs::new(input_ids),
            }
        };
        let Some(padding) = &self.padding else {
            return Ok(inputs);
        };
        let places = Tensor::f_arange(length, (Kind::Int64, padding.device()))?.f_sub(padding)?;
        let new = places.f_narrow(1, seen, length - seen)?;
        Ok(Inputs {
            attention_mask: Some(places.f_ge(0)?.f_to_kind(Kind::Int64)?),
            position_ids: Some(new.f_clamp_min(0)?),
            ..inputs
        })
    }

    /// Whether it is one text of tokens alone.
    fn is_bare(&self) -> bool {
        self.ids.size()[0] == 1 && self.padding.is_none() && self.prompt.is_bare()
    }
}

/// How many of the first `most` tokens two texts begin with alike: `[1, tokens]` each.
fn common(one: &Tensor, other: &Tensor, most: i64) -> Result<i64> {
    let [one, other] = [one, other].map(|ids| ids.f_narrow(1, 0, most));
    let same = one?.f_eq_tensor(&other?)?.f_to_kind(Kind::Int64)?;
    let same = same.f_cumprod(1, Kind::Int64)?;
    Ok(i64::try_from(same.f_sum(Kind::Int64)?)?)
}
