//! The chat template of a checkpoint's folder.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::Value as Json;

use super::{ChatTemplate, DEFAULT, SpecialTokens, TOOL_USE};
use crate::error::TemplateError;

/// The special tokens that transformers gives to templates.
const NAMES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

impl ChatTemplate {
    /// The template of a checkpoint: `chat_template.jinja`, or else `chat_template` in `tokenizer_config.json`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read or parsed.
    pub fn of_folder(dir: &Path) -> Result<Self, TemplateError> {
        let config = read_json(&dir.join("tokenizer_config.json"))?;
        let (default, tool_use) = match read(&dir.join("chat_template.jinja"))? {
            Some(source) => {
                let tool_use = dir.join("additional_chat_templates/tool_use.jinja");
                (Some(source), read(&tool_use)?)
            }
            None => (
                named(&config["chat_template"], DEFAULT),
                named(&config["chat_template"], TOOL_USE),
            ),
        };
        let default = default.ok_or_else(|| TemplateError::Missing {
            dir: dir.to_owned(),
        })?;
        let mut tokens = special_tokens(&config);
        if config["added_tokens_decoder"].is_null() {
            // Where checkpoints of an older kind have them.
            let map = read_json(&dir.join("special_tokens_map.json"))?;
            tokens.extend(special_tokens(&map));
        }
        let template = Self::new(&default, tokens)?;
        match tool_use {
            Some(source) => template.with_tool_use(&source),
            None => Ok(template),
        }
    }
}

/// A file's text, if there is one.
fn read(path: &Path) -> Result<Option<String>, TemplateError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TemplateError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// A file's JSON, or null.
fn read_json(path: &Path) -> Result<Json, TemplateError> {
    let text = read(path)?;
    let parsed = text.map(|text| serde_json::from_str(&text)).transpose();
    let parsed = parsed.map_err(|error| TemplateError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(parsed.unwrap_or_default())
}

/// One of the templates of a config, which has one text or a list of names and texts.
fn named(templates: &Json, name: &str) -> Option<String> {
    let source = match templates {
        Json::String(_) if name == DEFAULT => templates,
        Json::Array(list) => &list.iter().find(|entry| entry["name"] == name)?["template"],
        _ => return None,
    };
    source.as_str().map(str::to_owned)
}

/// The tokens that a config names, as texts or as objects with their `content`.
fn special_tokens(config: &Json) -> SpecialTokens {
    let text = |name: &str| {
        let token = &config[name];
        let text = token.as_str().or_else(|| token["content"].as_str())?;
        Some((name.to_owned(), text.to_owned()))
    };
    NAMES.into_iter().filter_map(text).collect()
}
