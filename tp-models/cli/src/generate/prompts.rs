//! What is to be continued: a prompt, or those of a file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

use super::chat::Chat;
use super::session::Session;
use crate::text::encode;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a line of JSON is to hold.
const WANTED: &str = "give an object with `prompt`, a text, or `messages`, a list";

/// A text to be continued, with its tokens.
pub(super) struct Prompt {
    pub(super) text: String,
    pub(super) ids: Vec<i64>,
}

impl Prompt {
    /// A text as it is.
    pub(super) fn plain(tokenizer: &Tokenizer, text: &str) -> Result<Self> {
        Ok(Self {
            text: text.to_owned(),
            ids: encode(tokenizer, text, true)?,
        })
    }
}

/// A line of a file.
enum Line {
    Text(String),
    Messages(Vec<Value>),
}

/// An object in a line of a `.jsonl` file; other fields are not looked at.
#[derive(Deserialize)]
struct Fields {
    prompt: Option<String>,
    messages: Option<Vec<Value>>,
}

/// The prompts of a file: one a line, or JSON lines where its name ends in `.jsonl`.
///
/// # Errors
/// When it cannot be read, has no line, or a line is no prompt.
pub(super) fn of_file(session: &Session<'_>, file: &Path) -> Result<Vec<Prompt>> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
    let text = text.trim_start_matches(BYTE_ORDER_MARK);
    let is_json = file.extension().is_some_and(|ending| ending == "jsonl");
    let mut chat = None;
    let prompt = |(number, line): (usize, &str)| {
        let line = match is_json {
            true => Line::of_json(line),
            false => Line::of_text(line),
        };
        line.and_then(|line| line.prompt(session, &mut chat))
            .with_context(|| place(file, number))
    };
    let prompts: Vec<Prompt> = text
        .lines()
        .enumerate()
        .map(prompt)
        .collect::<Result<_>>()?;
    ensure!(
        !prompts.is_empty(),
        "`{name}` is empty: give a prompt in each line"
    );
    Ok(prompts)
}

/// Where a prompt stands, as people count.
pub(super) fn place(file: &Path, number: usize) -> String {
    format!("`{}`, line {}", file.display(), number + 1)
}

impl Line {
    fn of_text(line: &str) -> Result<Self> {
        ensure!(
            !line.trim().is_empty(),
            "it is blank: write a prompt, or leave it out"
        );
        Ok(Self::Text(line.to_owned()))
    }

    fn of_json(line: &str) -> Result<Self> {
        let fields: Fields = serde_json::from_str(line).context(WANTED)?;
        match (fields.prompt, fields.messages) {
            (Some(prompt), None) => Ok(Self::Text(prompt)),
            (None, Some(messages)) => {
                let has_role = |message: &Value| message["role"].is_string();
                ensure!(
                    messages.iter().all(has_role),
                    "one of its `messages` has no `role`, a text: give it one"
                );
                Ok(Self::Messages(messages))
            }
            (None, None) => bail!("it has neither: {WANTED}"),
            (Some(_), Some(_)) => bail!("it has both: {WANTED}"),
        }
    }

    /// Its prompt; `chat` is opened for the first that needs one.
    fn prompt<'a>(self, session: &'a Session<'_>, chat: &mut Option<Chat<'a>>) -> Result<Prompt> {
        let args = session.args;
        if let (Self::Text(text), false) = (&self, args.chat) {
            return Prompt::plain(&session.tokenizer, text);
        }
        let chat = match chat {
            Some(chat) => chat,
            none => none.insert(Chat::open(session)?),
        };
        match self {
            Self::Text(text) => chat.turn(&text),
            Self::Messages(_) if args.system.is_some() => {
                bail!("it has `messages`, and --system is for prompts that are texts: leave it out")
            }
            Self::Messages(messages) => chat.prompt(&messages),
        }
    }
}
