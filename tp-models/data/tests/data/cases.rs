//! What `tests/fixtures/chat.py` wrote with transformers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::Value as Json;
use tp_data::{ChatTemplate, SpecialTokens};

/// `cases.json`
#[derive(Deserialize)]
pub(crate) struct Cases {
    now: String,
    pub(crate) special_tokens: SpecialTokens,
    pub(crate) conversations: BTreeMap<String, Conversation>,
    /// By template and conversation: without and with a generation prompt.
    pub(crate) renders: BTreeMap<String, BTreeMap<String, [Rendered; 2]>>,
    pub(crate) marked: BTreeMap<String, Marked>,
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
}
