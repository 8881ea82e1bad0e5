//! A conversation: lines of stdin are answered one after another.

use anyhow::Result;
use tp_runtime::generate::Generation;

use super::batches::padded;
use super::chat::{Chat, message};
use super::lines::Lines;
use super::rate::Rate;
use super::session::Session;
use super::speech::Speech;
use crate::output;

/// Answers line after line, each in the light of those before it; `/reset` forgets them, `/exit` ends.
pub(super) fn run(session: &Session<'_>) -> Result<()> {
    let chat = Chat::open(session)?;
    let model = session.load()?;
    let mut lines = Lines::of(session.rank)?;
    let mut speech = Speech::of(session.rank);
    let mut rate = Rate::default();
    let mut messages = chat.opening();
    let mut before: Option<Generation<'_>> = None;
    while let Some(line) = lines.next()? {
        match line.trim() {
            "" => continue,
            "/exit" => break,
            "/reset" => {
                messages = chat.opening();
                continue;
            }
            text => messages.push(message("user", text)),
        }
        let prompt = chat.prompt(&messages);
        let prompt = match prompt.and_then(|prompt| session.check(&prompt).map(|()| prompt)) {
            Ok(prompt) => prompt,
            // The conversation goes on without what was said.
            Err(error) => {
                messages.pop();
                if session.rank.is_first {
                    output::note(&format!("{}; /reset begins anew", output::message(&error)));
                }
                continue;
            }
        };
        let (inputs, options) = (model.upload(&padded(&[&prompt]))?, session.options(&[0]));
        let mut generation = match before.take() {
            Some(generation) => generation.restart(&inputs, &options)?,
            None => Generation::new(&model, &inputs, &options)?,
        };
        let told = session.tell_aloud(&mut generation, &prompt, &mut speech)?;
        messages.push(message("assistant", &told.text));
        rate.add(&[told]);
        before = Some(generation);
        if !speech.is_heard(session.rank)? {
            break;
        }
    }
    if !session.args.json {
        rate.note(session.rank);
    }
    speech.end()
}
