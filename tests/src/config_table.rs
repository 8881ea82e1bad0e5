//! The tables of `docs/configs.md`: what becomes of each field of a config.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::configs;

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is read where the model is built.
    Read,
    /// It is read where the model starts from random weights.
    ReadAtTheStart,
    /// Nothing depends on it.
    Unread,
    /// Any value but one is refused.
    Refused,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What becomes of the field.
    pub outcome: Outcome,
    /// Another value than that of the base.
    pub tried: Value,
    /// Of a refused field, the value that is not.
    pub harmless: Option<Value>,
    /// Fields beside it, with which it matters.
    pub with: Map<String, Value>,
}

/// A config, or a config inside it, with its rows.
pub struct Part {
    /// The whole config of the architecture; the tried value stands in a part of it.
    pub base: Value,
    /// The field of the base that holds this config; none where it is the base.
    pub inside: Option<&'static str>,
    /// By field.
    pub rows: BTreeMap<String, Row>,
    /// The fields that transformers allows to be null.
    pub nullable: BTreeSet<String>,
}

/// What transformers says of a config.
#[derive(Deserialize)]
struct Fields {
    fields: Vec<String>,
    nullable: BTreeSet<String>,
}

/// The architectures, each with the tiny checkpoint whose config is changed.
pub const BASES: [(&str, &str); 12] = [
    ("Gemma3ForCausalLM", "gemma3_text"),
    ("Gemma3ForConditionalGeneration", "gemma3_cond"),
    ("LlamaForCausalLM", "llama_gqa"),
    ("LlamaForSequenceClassification", "llama_seqcls"),
    ("Ministral3ForCausalLM", "ministral3"),
    ("Mistral3ForConditionalGeneration", "mistral3_cond"),
    ("Phi3ForCausalLM", "phi3"),
    ("PhiForCausalLM", "phi2"),
    ("Qwen2ForCausalLM", "qwen2"),
    ("Qwen2ForSequenceClassification", "qwen2_seqcls"),
    ("Qwen3ForCausalLM", "qwen3"),
    ("Qwen3ForSequenceClassification", "qwen3_seqcls"),
];

impl Part {
    /// The base with the fields that the row needs, and `value` for `field`.
    pub fn changed(&self, row: &Row, field: &str, value: Option<&Value>) -> Value {
        let mut config = self.base.clone();
        let part = match self.inside {
            Some(name) => &mut config[name],
            None => &mut config,
        };
        let part = part.as_object_mut().expect("a config");
        part.extend(row.with.clone());
        part.extend(value.map(|value| (field.to_owned(), value.clone())));
        config
    }
}

/// Every config and config inside one, with the rows of those fields that transformers knows of.
///
/// # Panics
/// When a field that transformers knows of has no row, or a row no such field.
pub fn parts() -> Vec<Part> {
    let tables = tables();
    let listed = include_str!("../fixtures/config_fields.json");
    let mut listed: BTreeMap<String, BTreeMap<String, Fields>> =
        serde_json::from_str(listed).expect("lists of fields");
    let mut unused: BTreeSet<(&String, &String)> = BTreeSet::new();
    for (heading, table) in &tables {
        unused.extend(table.keys().map(|field| (heading, field)));
    }
    let mut parts = Vec::new();
    for (architecture, fixture) in BASES {
        for inside in [None, Some("text_config"), Some("vision_config")] {
            let own = listed.get_mut(architecture).expect("its fields");
            let Some(own) = own.remove(inside.unwrap_or("config")) else {
                continue;
            };
            let Fields { fields, nullable } = own;
            let is_decoder = fields.iter().any(|field| field == "vocab_size");
            let mut rows = BTreeMap::new();
            for (heading, table) in &tables {
                if !holds(heading, architecture, inside, is_decoder) {
                    continue;
                }
                for (field, row) in table.iter().filter(|(field, _)| fields.contains(field)) {
                    unused.remove(&(heading, field));
                    rows.insert(field.clone(), row.clone());
                }
            }
            let missing = fields.iter().filter(|field| !rows.contains_key(*field));
            let missing: Vec<&String> = missing.collect();
            assert!(
                missing.is_empty(),
                "{architecture} {inside:?} lacks {missing:?}"
            );
            let base = base(fixture);
            parts.push(Part {
                base,
                inside,
                rows,
                nullable,
            });
        }
    }
    assert!(unused.is_empty(), "no config has {unused:?}");
    parts
}

fn base(fixture: &str) -> Value {
    let mut base = configs::tiny().remove(fixture).expect("a fixture");
    if base["architectures"][0] == "Mistral3ForConditionalGeneration" {
        // So that its text model has a word on it.
        base.as_object_mut()
            .expect("a config")
            .remove("tie_word_embeddings");
    }
    base
}

/// Whether the table under a heading is of this config.
fn holds(heading: &str, architecture: &str, inside: Option<&str>, is_decoder: bool) -> bool {
    match heading {
        "Every config" => true,
        "The whole config" => inside.is_none(),
        "Every decoder" => is_decoder,
        _ => heading.split(", ").any(|name| match inside {
            None => name == architecture,
            Some(inside) => name == format!("`{inside}` of {architecture}"),
        }),
    }
}

/// The tables by their headings, in order.
fn tables() -> Vec<(String, BTreeMap<String, Row>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configs.md");
    let text = std::fs::read_to_string(file).expect("the tables");
    let mut tables: Vec<(String, BTreeMap<String, Row>)> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            tables.push((heading.to_owned(), BTreeMap::new()));
        } else if let (Some(cells), Some((heading, table))) =
            (line.strip_prefix("| `"), tables.last_mut())
        {
            let (field, row) = row(cells).unwrap_or_else(|| panic!("{heading}: {line}"));
            let before = table.insert(field, row);
            assert!(before.is_none(), "{heading} has two rows: {line}");
        }
    }
    tables
}

fn row(cells: &str) -> Option<(String, Row)> {
    let mut cells = cells.split(" | ");
    let field = cells.next()?.strip_suffix('`')?.to_owned();
    let outcome = match cells.next()? {
        "read" => Outcome::Read,
        "read at the start" => Outcome::ReadAtTheStart,
        "unread" => Outcome::Unread,
        "refused" => Outcome::Refused,
        _ => return None,
    };
    let values: Vec<&str> = cells.next()?.split('`').collect();
    let json = |text: &str| serde_json::from_str(text).ok();
    let (tried, harmless, with) = match values[..] {
        ["", tried, ""] => (tried, None, Map::new()),
        ["", tried, ", not ", harmless, ""] => (tried, Some(json(harmless)?), Map::new()),
        ["", tried, " with ", with, ""] => (tried, None, serde_json::from_str(with).ok()?),
        _ => return None,
    };
    let row = Row {
        outcome,
        tried: json(tried)?,
        harmless,
        with,
    };
    Some((field, row))
}
