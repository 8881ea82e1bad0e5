//! A row of a file: a text, a prompt with its completion, or a chat.

use serde_json::{Map, Value as Json};

use crate::error::RowError;

/// What a row holds, by its columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// The column `text`.
    Text {
        /// What is learned, all of it.
        text: String,
    },
    /// The columns `prompt` and `completion`, both texts.
    Completion {
        /// What is given.
        prompt: String,
        /// What is learned.
        completion: String,
    },
    /// The columns `prompt` and `completion`, both lists of messages, and maybe `tools`.
    Exchange {
        /// What is given.
        prompt: Vec<Json>,
        /// What is learned.
        completion: Vec<Json>,
        /// The functions that may be called.
        tools: Option<Vec<Json>>,
    },
    /// The column `messages`, and maybe `tools`.
    Chat {
        /// A conversation, of which the answers are learned.
        messages: Vec<Json>,
        /// The functions that may be called.
        tools: Option<Vec<Json>>,
    },
}

impl Row {
    /// A row of the columns that make it one; others are left alone.
    ///
    /// # Errors
    /// When the columns make no row or two, or hold other things.
    pub fn new(mut columns: Map<String, Json>) -> Result<Self, RowError> {
        // A file with a schema has null where a row does not have the column.
        columns.retain(|_, value| !value.is_null());
        let has = |name: &str| columns.contains_key(name);
        let shapes = [
            has("text"),
            has("prompt") && has("completion"),
            has("messages"),
        ];
        match shapes {
            [true, false, false] => Ok(Self::Text {
                text: text(&mut columns, "text")?,
            }),
            [false, true, false] if columns["prompt"].is_string() => Ok(Self::Completion {
                prompt: text(&mut columns, "prompt")?,
                completion: text(&mut columns, "completion")?,
            }),
            [false, true, false] => Ok(Self::Exchange {
                prompt: messages(&mut columns, "prompt")?,
                completion: messages(&mut columns, "completion")?,
                tools: tools(&mut columns)?,
            }),
            [false, false, true] => Ok(Self::Chat {
                messages: messages(&mut columns, "messages")?,
                tools: tools(&mut columns)?,
            }),
            [false, false, false] => Err(RowError::Unknown {
                columns: names(&columns),
            }),
            _ => Err(RowError::Ambiguous {
                columns: names(&columns),
            }),
        }
    }
}

fn names(columns: &Map<String, Json>) -> String {
    let names: Vec<String> = columns.keys().map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

fn text(columns: &mut Map<String, Json>, column: &'static str) -> Result<String, RowError> {
    match columns.remove(column) {
        Some(Json::String(text)) => Ok(text),
        other => Err(wrong(column, "a text", other.as_ref())),
    }
}

/// Messages, each an object with a `role`.
fn messages(columns: &mut Map<String, Json>, column: &'static str) -> Result<Vec<Json>, RowError> {
    let expected = "a list of messages, each an object with a text `role`";
    match columns.remove(column) {
        Some(Json::Array(messages)) => {
            let has_role = |message: &Json| message["role"].is_string();
            match messages.iter().find(|message| !has_role(message)) {
                None => Ok(messages),
                Some(message) => Err(wrong(column, expected, Some(message))),
            }
        }
        other => Err(wrong(column, expected, other.as_ref())),
    }
}

/// Tools, which files whose columns have one type hold as the text of their JSON.
fn tools(columns: &mut Map<String, Json>) -> Result<Option<Vec<Json>>, RowError> {
    let parsed = match columns.remove("tools") {
        None => return Ok(None),
        Some(Json::String(text)) => {
            serde_json::from_str(&text).map_err(|error| RowError::Column {
                column: "tools",
                expected: "a list of objects, or the text of one",
                found: error.to_string(),
            })?
        }
        Some(other) => other,
    };
    match parsed {
        Json::Null => Ok(None),
        Json::Array(tools) if tools.iter().all(Json::is_object) => Ok(Some(tools)),
        other => Err(wrong(
            "tools",
            "a list of objects, or the text of one",
            Some(&other),
        )),
    }
}

fn wrong(column: &'static str, expected: &'static str, found: Option<&Json>) -> RowError {
    let found = match found {
        None | Some(Json::Null) => "nothing",
        Some(Json::Bool(_)) => "a boolean",
        Some(Json::Number(_)) => "a number",
        Some(Json::String(_)) => "a text",
        Some(Json::Array(_)) => "a list",
        Some(Json::Object(_)) => "an object",
    };
    RowError::Column {
        column,
        expected,
        found: found.to_owned(),
    }
}
