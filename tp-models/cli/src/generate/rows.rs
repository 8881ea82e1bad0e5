//! The texts of a batch as they grow, until each has ended.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use tch::Device;
use tokenizers::Tokenizer;
use tp_runtime::generate::{Finish, Generation};

use super::prompts::Prompt;
use super::stop::StopStrings;
use crate::text::Stream;

/// What became of a prompt.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) prompt: String,
    /// What came after the prompt.
    pub(super) text: String,
    /// How many tokens were chosen, one that ended the text among them.
    pub(super) tokens: u64,
    /// Why it ended.
    pub(super) finish: Option<Finish>,
    pub(super) seconds: f64,
    pub(super) tokens_per_second: f64,
}

/// A text that grows.
struct Row<'a> {
    stream: Stream<'a>,
    stops: StopStrings<'a>,
    text: String,
    tokens: u64,
}

/// Continues the `prompts` that `generation` has begun with; `show` sees each piece of text of a row as it comes.
pub(super) fn tell(
    generation: &mut Generation<'_>,
    prompts: &[&Prompt],
    tokenizer: &Tokenizer,
    stop_strings: &[String],
    mut show: impl FnMut(&str),
) -> Result<Vec<Told>> {
    let since = Instant::now();
    let row = |prompt: &&Prompt| {
        Ok(Row {
            stream: Stream::after(tokenizer, &prompt.ids)?,
            stops: StopStrings::after(tokenizer, stop_strings, &prompt.ids)?,
            text: String::new(),
            tokens: 0,
        })
    };
    let mut rows: Vec<Row<'_>> = prompts.iter().map(row).collect::<Result<_>>()?;
    let mut ends = vec![0.0; rows.len()];
    let mut going: Vec<usize> = (0..rows.len()).collect();
    going.retain(|&number| generation.finish(number).is_none());
    while let Some(chosen) = generation.step()? {
        let chosen = Vec::<i64>::try_from(chosen.to_device(Device::Cpu))?;
        for &number in &going {
            let row = &mut rows[number];
            row.tokens += 1;
            if generation.finish(number) == Some(Finish::Eos) {
                continue;
            }
            let piece = row.stream.push(chosen[number])?;
            show(&piece);
            row.text += &piece;
            if row.stops.end_in(chosen[number])? {
                generation.end(number);
            }
        }
        going.retain(|&number| {
            ends[number] = since.elapsed().as_secs_f64();
            generation.finish(number).is_none()
        });
    }
    let told = rows.into_iter().zip(prompts).zip(ends).enumerate();
    told.map(|(number, ((row, prompt), seconds))| {
        let rest = row.stream.finish()?;
        show(&rest);
        let tokens_per_second = match seconds > 0.0 {
            true => row.tokens as f64 / seconds,
            false => 0.0,
        };
        Ok(Told {
            prompt: prompt.text.clone(),
            text: row.text + &rest,
            tokens: row.tokens,
            finish: generation.finish(number),
            seconds,
            tokens_per_second,
        })
    })
    .collect()
}
