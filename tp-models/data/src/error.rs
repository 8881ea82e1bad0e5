//! What keeps data from becoming samples.

use std::io;
use std::path::PathBuf;

use crate::source::Place;
use crate::statistics::Statistics;

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

/// A file that cannot become a data set.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file that cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// A file that begins as Parquet and is none.
    #[error("`{path}` is not a whole Parquet file: {reason}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A row that is wrong.
    #[error("`{path}`, {place}: {source}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong.
        source: Box<RowError>,
    },

    /// A weight that says nothing.
    #[error(
        "`{path}` has the weight {weight}: give a number above 0, how often an epoch sees each row"
    )]
    Weight {
        /// The file.
        path: PathBuf,
        /// Its weight.
        weight: f64,
    },

    /// A file of more rows than are counted.
    #[error("`{path}` has more than 4 billion rows: divide it")]
    TooManyRows {
        /// The file.
        path: PathBuf,
    },

    /// Files without a sample.
    #[error("the files hold no sample:\n{statistics}")]
    NoSamples {
        /// What became of their rows.
        statistics: Statistics,
    },
}
