//! What keeps a row from becoming a sample.

use super::TemplateError;

/// A row that cannot become a sample.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Bytes that are not there, or not to be understood.
    #[error("it cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },

    /// A line that is not a JSON object.
    #[error("it is no JSON object: {reason}")]
    NoObject {
        /// What the parser says.
        reason: String,
    },

    /// A line of hundreds of megabytes.
    #[error("the line has {bytes} bytes: each row is a JSON object in a line of its own")]
    TooLong {
        /// Its length.
        bytes: u64,
    },

    /// Columns that make no row.
    #[error(
        "it has the columns {columns}: a row needs `text`, or `prompt` and `completion`, or `messages`"
    )]
    Unknown {
        /// Those there are.
        columns: String,
    },

    /// Columns that make more than one row.
    #[error(
        "it has the columns {columns}: leave only `text`, or `prompt` and `completion`, or `messages`"
    )]
    Ambiguous {
        /// Those there are.
        columns: String,
    },

    /// A column with something else in it.
    #[error("`{column}` should be {expected}, and there is {found}")]
    Column {
        /// The column.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },

    /// A conversation, and no template to render it.
    #[error("it is a conversation, and the checkpoint has no chat template")]
    NoTemplate,

    /// A conversation that its template cannot render.
    #[error(transparent)]
    Template(#[from] TemplateError),

    /// A completion whose prompt reads otherwise without it.
    #[error(
        "the text of prompt and completion does not begin with that of the prompt and a generation prompt: \
         give the row as `messages`, or set labels on everything"
    )]
    Prompt,

    /// A row that has other tokens than when the data set was opened.
    #[error(
        "it has other tokens than when the data set was opened: leave the file as it is while a job runs"
    )]
    Changed,

    /// A text that the tokenizer refuses.
    #[error("the tokenizer cannot encode it: {reason}")]
    Tokenizer {
        /// Why.
        reason: String,
    },
}
