//! One prompt, whose text is printed as it comes.

use std::path::PathBuf;

use anyhow::Result;
use tp_runtime::generate::Generation;
use tp_runtime::model::Inputs;

use super::batches::padded;
use super::chat::Chat;
use super::prompts::Prompt;
use super::rate::Rate;
use super::session::Session;
use super::speech::Speech;
use crate::images;

/// Continues `text`, with what stands in `images`.
pub(super) fn continued(session: &Session<'_>, text: &str, images: &[PathBuf]) -> Result<()> {
    let mut prompt = Prompt::plain(&session.tokenizer, text)?;
    let mut inputs = padded(&[&prompt]);
    if !images.is_empty() {
        let (dir, config) = (session.dir, session.checkpoint.config());
        inputs = images::prompt(dir, config, &session.tokenizer, text, images)?;
        prompt.ids = Vec::try_from(inputs.input_ids.squeeze_dim(0))?;
    }
    run(session, &prompt, inputs, &prompt.text)
}

/// Answers `text`, what a user says.
pub(super) fn answered(session: &Session<'_>, text: &str) -> Result<()> {
    let prompt = Chat::open(session)?.turn(text)?;
    run(session, &prompt, padded(&[&prompt]), "")
}

/// Continues a prompt of which `shown` is printed, too.
fn run(session: &Session<'_>, prompt: &Prompt, inputs: Inputs, shown: &str) -> Result<()> {
    session.check(prompt)?;
    let model = session.load()?;
    let mut speech = Speech::of(session.rank);
    if !session.args.json {
        speech.say(shown);
    }
    let inputs = model.upload(&inputs)?;
    let mut generation = Generation::new(&model, &inputs, &session.options(&[0]))?;
    let told = session.tell_aloud(&mut generation, prompt, &mut speech)?;
    if !session.args.json {
        let mut rate = Rate::default();
        rate.add(&[told]);
        rate.note(session.rank);
    }
    speech.end()
}
