//! Where in the text of a conversation the assistant speaks.

use std::ops::Range;

use serde_json::Value as Json;

use super::ChatTemplate;
use crate::error::TemplateError;

impl ChatTemplate {
    /// The text of a conversation, and the bytes of it that the assistant says.
    ///
    /// These are the template's generation blocks. In a template without one, an answer is what its message adds to
    /// the text of those before it with a generation prompt.
    ///
    /// # Errors
    /// When the conversation cannot be rendered, or an answer is not found that way.
    pub fn render_with_spans(
        &self,
        messages: &[Json],
        tools: Option<&[Json]>,
    ) -> Result<(String, Vec<Range<usize>>), TemplateError> {
        let text = self.render(messages, tools, false)?;
        let spans = match self.marks_answers {
            true => self.marked(&text, messages, tools)?,
            false => self.added(&text, messages, tools)?,
        };
        Ok((text, spans))
    }

    /// The spans of generation blocks.
    fn marked(
        &self,
        text: &str,
        messages: &[Json],
        tools: Option<&[Json]>,
    ) -> Result<Vec<Range<usize>>, TemplateError> {
        // Unicode keeps these from standing for anything; a text may have some of them all the same.
        let mut unused = ('\u{fdd0}'..='\u{fdef}').filter(|&c| !text.contains(c));
        let (Some(open), Some(close)) = (unused.next(), unused.next()) else {
            return Err(TemplateError::Render {
                reason: "its text holds all of Unicode's noncharacters".to_owned(),
            });
        };
        let marked = self.render_marked(messages, tools, false, Some(&format!("{open}{close}")))?;
        let mut plain = String::with_capacity(marked.len());
        let (mut spans, mut starts) = (Vec::new(), Vec::new());
        for character in marked.chars() {
            if character == open {
                starts.push(plain.len());
            } else if character == close {
                spans.extend(starts.pop().map(|start| start..plain.len()));
            } else {
                plain.push(character);
            }
        }
        if plain != text {
            return Err(TemplateError::Render {
                reason:
                    "what it makes of a generation block depends on how the block begins or ends; \
                         change the text within the block"
                        .to_owned(),
            });
        }
        Ok(spans)
    }

    /// What each answer adds to the text of the messages before it.
    fn added(
        &self,
        text: &str,
        messages: &[Json],
        tools: Option<&[Json]>,
    ) -> Result<Vec<Range<usize>>, TemplateError> {
        let is_answer =
            |message: &Json| message.get("role").is_some_and(|role| role == "assistant");
        let answers = messages.iter().enumerate();
        let answers = answers.filter(|(_, message)| is_answer(message));
        answers
            .map(|(index, _)| {
                let fault = |reason: String| TemplateError::Spans {
                    message: index + 1,
                    reason,
                };
                let before = self.render(&messages[..index], tools, true);
                let before = before.map_err(|error| {
                    fault(format!("the messages before it do not stand alone: {error}"))
                })?;
                let through = self.render(&messages[..=index], tools, false);
                let through = through.map_err(|error| {
                    fault(format!("the messages up to it do not stand alone: {error}"))
                })?;
                if !through.starts_with(&before) {
                    let reason = "its text does not begin with that of the messages before it and a generation prompt";
                    return Err(fault(reason.to_owned()));
                }
                if !text.starts_with(&through) {
                    let reason = "the messages after it change the text up to it";
                    return Err(fault(reason.to_owned()));
                }
                Ok(before.len()..through.len())
            })
            .collect()
    }
}
