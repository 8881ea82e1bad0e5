//! Fine-tuning data: from files of texts and chats to token sequences with labels.
//!
//! It needs neither torch nor a model: [`ChatTemplate`] renders conversations as transformers does.

mod dataset;
mod encoder;
mod error;
mod packing;
mod row;
mod source;
mod statistics;
mod template;

pub use dataset::{Dataset, Progress};
pub use encoder::{Encoded, Encoder, IGNORED_LABEL, LabelsOn, Sample, TooLong};
pub use error::{DataError, RowError, TemplateError};
pub use packing::{Oversized, Packing, alike, pack};
pub use row::Row;
pub use source::{Place, Source};
pub use statistics::{Bucket, Statistics};
pub use template::{ChatTemplate, SpecialTokens};
