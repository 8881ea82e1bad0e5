//! The prompts of a file, in batches; their texts are printed in the file's order.

use std::path::Path;

use anyhow::{Context, Result};
use tp_runtime::generate::Generation;

use super::batches::{batches, padded};
use super::prompts::{Prompt, of_file, place};
use super::rate::Rate;
use super::rows::Told;
use super::session::Session;
use super::speech::Speech;

/// Continues the prompts of `file`, `size` of them side by side.
pub(super) fn run(session: &Session<'_>, file: &Path, size: usize) -> Result<()> {
    let prompts = of_file(session, file)?;
    for (number, prompt) in prompts.iter().enumerate() {
        session.check(prompt).with_context(|| place(file, number))?;
    }
    let model = session.load()?;
    let batches = batches(&prompts, size);
    let begin = |numbers: &[usize]| {
        let prompts: Vec<&Prompt> = numbers.iter().map(|&number| &prompts[number]).collect();
        let inputs = model.upload(&padded(&prompts))?;
        let generation = Generation::new(&model, &inputs, &session.options(numbers))?;
        Ok::<_, anyhow::Error>((generation, prompts))
    };
    // What cannot be continued is known before the first text.
    for numbers in &batches {
        begin(numbers).with_context(|| {
            let lines: Vec<String> = numbers.iter().map(|line| (line + 1).to_string()).collect();
            format!("`{}`, lines {}", file.display(), lines.join(", "))
        })?;
    }
    let mut order = InOrder::new(Speech::of(session.rank), prompts.len(), session.args.json);
    let mut rate = Rate::default();
    for numbers in &batches {
        let (mut generation, prompts) = begin(numbers)?;
        let told = session.tell(&mut generation, &prompts, |_| ())?;
        rate.add(&told);
        order.say(numbers.iter().copied().zip(told))?;
        if !order.speech.is_heard(session.rank)? {
            break;
        }
    }
    if !session.args.json {
        rate.note(session.rank);
    }
    order.speech.end()
}

/// Says texts in the order of their prompts, each as soon as those before it are said.
struct InOrder {
    speech: Speech,
    as_json: bool,
    waiting: Vec<Option<Told>>,
    said: usize,
}

impl InOrder {
    fn new(speech: Speech, count: usize, as_json: bool) -> Self {
        Self {
            speech,
            as_json,
            waiting: vec![None; count],
            said: 0,
        }
    }

    fn say(&mut self, told: impl Iterator<Item = (usize, Told)>) -> Result<()> {
        for (number, told) in told {
            self.waiting[number] = Some(told);
        }
        while let Some(told) = self.waiting.get_mut(self.said).and_then(Option::take) {
            let text = match self.as_json {
                true => serde_json::to_string(&told)?,
                false => told.prompt + &told.text,
            };
            self.speech.say(&(text + "\n"));
            self.said += 1;
        }
        Ok(())
    }
}
