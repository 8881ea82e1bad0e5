//! What keeps a conversation from becoming a text.

use std::path::PathBuf;

/// A chat template that cannot be used, or a conversation that it cannot render.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// A file beside the tokenizer that cannot be read.
    #[error("cannot read `{path}`: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },

    /// A folder without a template.
    #[error(
        "`{dir}` has no chat template: it needs a `chat_template.jinja`, or `chat_template` in `tokenizer_config.json`"
    )]
    Missing {
        /// The folder.
        dir: PathBuf,
    },

    /// A template that is not Jinja.
    #[error("the chat template cannot be parsed: {reason}; mend its Jinja")]
    Syntax {
        /// What the parser says.
        reason: String,
    },

    /// A conversation without a message.
    #[error("the conversation is empty: give it a message at least")]
    Empty,

    /// What the template itself says with `raise_exception`.
    #[error("the chat template refuses the conversation: {message}")]
    Refused {
        /// Its words.
        message: String,
    },

    /// A template that fails while it runs.
    #[error("the chat template cannot render the conversation: {reason}")]
    Render {
        /// What the engine says.
        reason: String,
    },

    /// An answer that cannot be found in the text of its conversation.
    #[error(
        "where message {message}, an answer, stands in the text cannot be told: {reason}; \
         mark answers in the chat template with {{% generation %}} and {{% endgeneration %}}, or set labels on everything"
    )]
    Spans {
        /// The message, the first being 1.
        message: usize,
        /// What does not fit.
        reason: String,
    },
}
