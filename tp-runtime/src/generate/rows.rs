//! The rows of a batch: how long each of them is, may become, and why it ended.

use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::{GenerateOptions, Progress};
use crate::Result;
use crate::comm::upload;
use crate::model::{InputError, Inputs};

/// Why a text has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// By a token of [`GenerateOptions::stop`].
    Eos,
    /// It is as long as it may become.
    Length,
    /// By [`Generation::end`](super::Generation::end).
    Stop,
}

/// The rows of a batch.
pub(super) struct Rows(Vec<Row>);

#[derive(Clone, Copy)]
struct Row {
    /// How many positions of padding it begins with.
    padding: i64,
    /// How many tokens of it are the prompt.
    prompt: i64,
    /// How many tokens it may have.
    limit: i64,
    finish: Option<Finish>,
}

/// Rows beside each other that are equally long, and may become so.
pub(super) struct Span {
    /// Their tokens, without padding.
    ids: Tensor,
    prompt: i64,
    limit: i64,
}

impl Span {
    /// How far they have come.
    pub(super) fn progress(&self) -> Progress<'_> {
        Progress {
            ids: &self.ids,
            prompt: self.prompt,
            limit: self.limit,
        }
    }
}

impl Rows {
    /// Those of a batch of prompts.
    ///
    /// # Errors
    /// When padding stands elsewhere than on the left.
    pub(super) fn of(prompt: &Inputs, options: &GenerateOptions) -> Result<Self> {
        let length = prompt.input_ids.size()[1];
        let row = |padding: i64| {
            let prompt = length - padding;
            let limit = prompt.saturating_add(options.max_new_tokens);
            let limit = limit.min(options.max_length.unwrap_or(i64::MAX));
            Row {
                padding,
                prompt,
                limit,
                finish: (limit <= prompt).then_some(Finish::Length),
            }
        };
        Ok(Self(paddings(prompt)?.into_iter().map(row).collect()))
    }

    /// How many positions of padding each row begins with, `[batch, 1]`; `None` without any.
    pub(super) fn padding(&self, device: Device) -> Result<Option<Tensor>> {
        let padding: Vec<i64> = self.0.iter().map(|row| row.padding).collect();
        if padding.iter().all(|&padding| padding == 0) {
            return Ok(None);
        }
        let padding = Tensor::f_from_slice(&padding)?.f_unsqueeze(1)?;
        Ok(Some(upload(&padding, device)?))
    }

    /// How many tokens the shortest prompt has.
    pub(super) fn shortest(&self) -> i64 {
        self.0.iter().map(|row| row.prompt).min().unwrap_or(0)
    }

    /// How many positions there will be at most.
    pub(super) fn limit(&self) -> i64 {
        let ends = self
            .0
            .iter()
            .map(|row| row.limit.saturating_add(row.padding));
        ends.max().unwrap_or(0)
    }

    /// The rows by their length and limit, with their part of `ids`, `[batch, positions]`.
    pub(super) fn spans(&self, ids: &Tensor) -> Result<Vec<Span>> {
        let positions = ids.size()[1];
        let alike = |a: &Row, b: &Row| (a.padding, a.limit) == (b.padding, b.limit);
        let mut first = 0;
        let mut span = |rows: &[Row]| {
            let (
                Row {
                    padding,
                    prompt,
                    limit,
                    ..
                },
                count,
            ) = (rows[0], rows.len() as i64);
            let own = ids.f_narrow(0, first, count)?;
            first += count;
            Ok(Span {
                ids: own.f_narrow(1, padding, positions - padding)?,
                prompt,
                limit,
            })
        };
        self.0.chunk_by(alike).map(&mut span).collect()
    }

    /// Takes note of the tokens `chosen`, `[batch]`, of which `stop` end a row.
    ///
    /// Without such tokens the processor need not wait for a GPU to see them.
    pub(super) fn advance(&mut self, chosen: &Tensor, positions: i64, stop: &[i64]) -> Result<()> {
        let tokens = match stop.is_empty() {
            true => Vec::new(),
            false => Vec::<i64>::try_from(chosen.f_to_device(Device::Cpu)?)?,
        };
        let mut tokens = tokens.into_iter();
        for row in &mut self.0 {
            let is_stop = tokens.next().is_some_and(|token| stop.contains(&token));
            if row.finish.is_none() && is_stop {
                row.finish = Some(Finish::Eos);
            }
            if row.finish.is_none() && positions - row.padding >= row.limit {
                row.finish = Some(Finish::Length);
            }
        }
        Ok(())
    }

    pub(super) fn end(&mut self, row: usize) {
        self.0[row].finish = Some(Finish::Stop);
    }

    pub(super) fn finish(&self, row: usize) -> Option<Finish> {
        self.0[row].finish
    }

    pub(super) fn have_ended(&self) -> bool {
        self.0.iter().all(|row| row.finish.is_some())
    }

    /// Which rows have ended, `[batch]`; `None` while all go on.
    pub(super) fn ended(&self, device: Device) -> Result<Option<Tensor>> {
        let ended: Vec<bool> = self.0.iter().map(|row| row.finish.is_some()).collect();
        match ended.contains(&true) {
            true => Ok(Some(upload(&Tensor::f_from_slice(&ended)?, device)?)),
            false => Ok(None),
        }
    }
}

/// How many positions of padding each row begins with.
fn paddings(prompt: &Inputs) -> Result<Vec<i64>> {
    let (batch, length) = prompt.input_ids.size2()?;
    let Some(mask) = &prompt.attention_mask else {
        return Ok(vec![0; batch as usize]);
    };
    let mask = mask.f_to_device(Device::Cpu)?.f_to_kind(Kind::Bool)?;
    let tokens = Vec::<i64>::try_from(mask.f_sum_dim_intlist(1, false, Kind::Int64)?)?;
    // From the right, the ones of a row come before its zeros.
    let in_one_run = mask.f_flip([1])?.f_cumprod(1, Kind::Int64)?;
    let runs = Vec::<i64>::try_from(in_one_run.f_sum_dim_intlist(1, false, Kind::Int64)?)?;
    let wrong = |(&tokens, &run): (&i64, &i64)| tokens == 0 || tokens != run;
    match tokens.iter().zip(&runs).position(wrong) {
        Some(row) => Err(InputError::PaddedPrompt { row }.into()),
        None => Ok(tokens.iter().map(|tokens| length - tokens).collect()),
    }
}
