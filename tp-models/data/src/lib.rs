//! Fine-tuning data: from files of texts and chats to token sequences with labels.
//!
//! It needs neither torch nor a model. A [`Source`] is a file of [`Row`]s, an [`Encoder`] makes a [`Sample`] of a row,
//! with a [`ChatTemplate`] if it is a conversation, and a [`Dataset`] is the samples of several files. [`pack`] says which
//! of them share a sequence.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::path::Path;
//! use tp_data::{ChatTemplate, Dataset, Encoder, LabelsOn, TooLong, pack};
//! # let tokenizer: tokenizers::Tokenizer = todo!();
//!
//! let encoder = Encoder {
//!     eos_token: tokenizer.token_to_id("<|im_end|>").ok_or("no such token")?,
//!     tokenizer,
//!     template: Some(ChatTemplate::of_folder(Path::new("models/qwen"))?),
//!     labels_on: LabelsOn::Answers,
//!     length: 4096,
//!     too_long: TooLong::Drop,
//! };
//! let files = [("chats.jsonl".into(), 1.0), ("texts.parquet".into(), 0.5)];
//! let dataset = Dataset::open(&files, encoder, 0, &mut |_| ())?;
//! println!("{}", dataset.statistics());
//! let lengths: Vec<usize> = (0..dataset.len()).map(|index| dataset.length(index)).collect();
//! for bin in pack(&lengths, 4096)?.bins {
//!     for index in bin {
//!         let sample = dataset.get(index as usize)?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

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
