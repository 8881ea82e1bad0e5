//! Conversations as the text that a model reads.

mod dialect;
mod folder;
mod generation;
mod json;
mod python;
mod spans;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde_json::Value as Json;

use crate::error::TemplateError;

/// Names and texts of special tokens, as `bos_token` and `<s>`.
pub type SpecialTokens = BTreeMap<String, String>;

const DEFAULT: &str = "default";
/// Which transformers takes for a conversation with tools, where a checkpoint has one.
const TOOL_USE: &str = "tool_use";

/// A checkpoint's chat template, which renders as transformers' `apply_chat_template` does.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    special_tokens: SpecialTokens,
    marks_answers: bool,
    shows_tools: bool,
}

impl ChatTemplate {
    /// A template from its Jinja source.
    ///
    /// # Errors
    /// When the source cannot be parsed.
    pub fn new(source: &str, special_tokens: SpecialTokens) -> Result<Self, TemplateError> {
        let mut template = Self {
            environment: dialect::environment()?,
            special_tokens,
            marks_answers: generation::has_blocks(source),
            shows_tools: false,
        };
        template.add(DEFAULT, source)?;
        Ok(template)
    }

    /// The template with another one for conversations with tools.
    ///
    /// # Errors
    /// When the source cannot be parsed.
    pub fn with_tool_use(mut self, source: &str) -> Result<Self, TemplateError> {
        self.marks_answers &= generation::has_blocks(source);
        self.add(TOOL_USE, source)?;
        Ok(self)
    }

    /// The template at another time than that of its making.
    #[must_use]
    pub fn at(mut self, now: NaiveDateTime) -> Self {
        dialect::stop_clock(&mut self.environment, now);
        self
    }

    /// Whether the functions that may be called stand in the text of a conversation.
    pub fn shows_tools(&self) -> bool {
        self.shows_tools
    }

    /// The text of a conversation, with the header of an answer to come if `add_generation_prompt`.
    ///
    /// # Errors
    /// When there is no message, or the template cannot render them or refuses to.
    pub fn render(
        &self,
        messages: &[Json],
        tools: Option<&[Json]>,
        add_generation_prompt: bool,
    ) -> Result<String, TemplateError> {
        self.render_marked(messages, tools, add_generation_prompt, None)
    }

    /// The text with `markers` around what stands in generation blocks.
    fn render_marked(
        &self,
        messages: &[Json],
        tools: Option<&[Json]>,
        add_generation_prompt: bool,
        markers: Option<&str>,
    ) -> Result<String, TemplateError> {
        if messages.is_empty() {
            return Err(TemplateError::Empty);
        }
        let mut variables = vec![
            ("messages", Value::from(Serde(messages))),
            ("tools", Value::from(Serde(tools))),
            ("documents", Value::from(())),
            ("add_generation_prompt", Value::from(add_generation_prompt)),
        ];
        variables.extend(markers.map(|markers| (generation::MARKERS, Value::from(markers))));
        let tokens = self.special_tokens.iter();
        variables.extend(tokens.map(|(name, text)| (name.as_str(), Value::from(text.as_str()))));
        let has_tool_use = self.environment.get_template(TOOL_USE).is_ok();
        let name = match tools {
            Some(_) if has_tool_use => TOOL_USE,
            _ => DEFAULT,
        };
        let template = self.environment.get_template(name);
        let rendered = template.and_then(|template| template.render(Value::from_pairs(variables)));
        rendered.map_err(|error| dialect::explain(&error))
    }

    fn add(&mut self, name: &'static str, source: &str) -> Result<(), TemplateError> {
        let source = generation::as_calls(source);
        let added = self.environment.add_template_owned(name, source);
        let added = added.and_then(|()| self.environment.get_template(name));
        let template = added.map_err(|error| TemplateError::Syntax {
            reason: error.to_string(),
        })?;
        self.shows_tools = template.undeclared_variables(false).contains("tools");
        Ok(())
    }
}
