//! What `tests/fixtures/chat.py` wrote with transformers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::Value as Json;
use tokenizers::Tokenizer;
use tp_data::{ChatTemplate, Encoder, LabelsOn, Row, SpecialTokens, TooLong};

/// `cases.json`
#[derive(Deserialize)]
pub(crate) struct Cases {
    now: String,
    pub(crate) special_tokens: SpecialTokens,
    pub(crate) conversations: BTreeMap<String, Conversation>,
    /// By template and conversation: without and with a generation prompt.
    pub(crate) renders: BTreeMap<String, BTreeMap<String, [Rendered; 2]>>,
    pub(crate) marked: BTreeMap<String, Marked>,
    pub(crate) completions: BTreeMap<String, Completion>,
}

#[derive(Deserialize)]
pub(crate) struct Conversation {
    pub(crate) messages: Vec<Json>,
    pub(crate) tools: Option<Vec<Json>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rendered {
    Text(String),
    /// With the template's own words.
    Refused(String),
    Fails(bool),
}

/// A conversation under the template with generation blocks.
#[derive(Deserialize)]
pub(crate) struct Marked {
    /// In characters.
    pub(crate) spans: Vec<[usize; 2]>,
    pub(crate) ids: Vec<i64>,
    pub(crate) labels: Vec<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Completion {
    pub(crate) prompt: String,
    pub(crate) completion: String,
    pub(crate) ids: Vec<i64>,
    pub(crate) labels: Vec<i64>,
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

impl Cases {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(fixtures().join("chat/cases.json")).expect("cases");
        serde_json::from_str(&text).expect("cases as written")
    }

    /// A template, at the time at which transformers rendered it.
    pub(crate) fn template(&self, name: &str) -> ChatTemplate {
        let path = fixtures().join(format!("chat_templates/{name}.jinja"));
        let source = fs::read_to_string(path).expect("a template");
        let template = ChatTemplate::new(&source, self.special_tokens.clone()).expect("Jinja");
        template.at(self.now.parse::<NaiveDateTime>().expect("a time"))
    }

    /// An encoder with the tokenizer of the cases and one of their templates, which cuts nothing.
    pub(crate) fn encoder(&self, template: &str) -> Encoder {
        let tokenizer = Tokenizer::from_file(fixtures().join("chat/tokenizer.json"));
        let tokenizer = tokenizer.expect("a tokenizer");
        let eos_token = tokenizer.token_to_id(&self.special_tokens["eos_token"]);
        Encoder {
            eos_token: eos_token.expect("a token"),
            tokenizer,
            template: Some(self.template(template)),
            labels_on: LabelsOn::Answers,
            length: usize::MAX,
            too_long: TooLong::Cut,
        }
    }

    pub(crate) fn chat(&self, conversation: &str) -> Row {
        let Conversation { messages, tools } = &self.conversations[conversation];
        Row::Chat {
            messages: messages.clone(),
            tools: tools.clone(),
        }
    }
}
