//! Prompts that are conversations, as the checkpoint's chat template has them.

use anyhow::{Context, Result};
use chrono::{DateTime, Local};
use serde_json::{Value, json};
use tch::Tensor;
use tokenizers::Tokenizer;
use tp_data::ChatTemplate;

use super::prompts::Prompt;
use super::session::Session;
use crate::text::encode;

/// What makes a prompt of messages.
pub(super) struct Chat<'a> {
    template: ChatTemplate,
    tokenizer: &'a Tokenizer,
    system: Option<&'a str>,
}

impl<'a> Chat<'a> {
    /// The chat template of the checkpoint, at one time for all ranks.
    ///
    /// # Errors
    /// When there is none, or it cannot be read or parsed.
    pub(super) fn open(session: &'a Session<'_>) -> Result<Self> {
        let template = ChatTemplate::of_folder(session.dir).context(
            "a conversation needs a chat template; a --prompt without --chat needs none",
        )?;
        let now = Local::now().naive_local().and_utc().timestamp();
        let world = session.rank.mesh.world();
        let now = world.broadcast(Tensor::from_slice(&[now]), 0, "the chat template's clock")?;
        let now = DateTime::from_timestamp(now.int64_value(&[0]), 0);
        Ok(Self {
            template: template.at(now.context("the clock is beyond all years")?.naive_utc()),
            tokenizer: &session.tokenizer,
            system: session.args.system.as_deref(),
        })
    }

    /// What a conversation begins with.
    pub(super) fn opening(&self) -> Vec<Value> {
        self.system
            .map(|text| message("system", text))
            .into_iter()
            .collect()
    }

    /// The prompt for an answer to `text`, alone.
    pub(super) fn turn(&self, text: &str) -> Result<Prompt> {
        let mut messages = self.opening();
        messages.push(message("user", text));
        self.prompt(&messages)
    }

    /// The prompt for an answer to `messages`.
    pub(super) fn prompt(&self, messages: &[Value]) -> Result<Prompt> {
        let text = self.template.render(messages, None, true)?;
        // The template writes the special tokens.
        let ids = encode(self.tokenizer, &text, false)?;
        Ok(Prompt { text, ids })
    }
}

/// What someone says.
pub(super) fn message(role: &str, text: &str) -> Value {
    json!({ "role": role, "content": text })
}
