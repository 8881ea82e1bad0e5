//! What a job learns: a plain text, or rows of files.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use tp_runtime::train::{BatchSize, MicroBatch};

use super::rows::{RowArgs, Rows};
use super::windows::Windows;

/// A file to learn from, and how often each of its samples is seen in an epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) weight: f64,
}

/// A file, with a weight after `=` if there is one.
pub(crate) fn data_file(text: &str) -> Result<DataFile, String> {
    let weighted = text.rsplit_once('=');
    let (path, weight) = match weighted.map(|(path, weight)| (path, weight.parse::<f64>())) {
        Some((path, Ok(weight))) => (path, weight),
        _ => (text, 1.0),
    };
    match weight.is_finite() && weight > 0.0 && !path.is_empty() {
        true => Ok(DataFile {
            path: PathBuf::from(path),
            weight,
        }),
        false => Err(format!(
            "`{text}` should be a file, or a file, `=` and a number above zero"
        )),
    }
}

impl DataFile {
    /// Whether the file has rows, by its ending.
    fn has_rows(&self) -> bool {
        let ending = self.path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("jsonl" | "ndjson" | "json" | "parquet"))
    }
}

/// How files become sequences.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The folder of the tokenizer and the chat template.
    pub(crate) model: &'a Path,
    /// How many tokens a sequence has; of rows, the most.
    pub(crate) sequence: u64,
    pub(crate) seed: u64,
    pub(crate) rows: &'a RowArgs,
    /// Whether a person looks on.
    pub(crate) is_first: bool,
}

/// What a job learns.
pub(super) enum Corpus {
    Text(Windows),
    Rows(Box<Rows>),
}

/// One rank's micro-batches of a step.
pub(super) struct Batches {
    pub(super) micro: Vec<MicroBatch>,
    /// How many tokens all ranks read.
    pub(super) tokens: u64,
}

impl Corpus {
    /// Reads files, all of rows or a single plain text.
    pub(super) fn open(files: &[DataFile], reading: Reading<'_>) -> Result<Self> {
        match files {
            [text] if !text.has_rows() => {
                reading.rows.refuse(&text.path)?;
                ensure!(
                    text.weight == 1.0,
                    "a plain text has no weight: leave `={}` away",
                    text.weight
                );
                let tokenizer = reading.model.join("tokenizer.json");
                let text = Windows::read(&text.path, &tokenizer, reading.sequence)?;
                Ok(Self::Text(text))
            }
            _ => {
                if let Some(text) = files.iter().find(|file| !file.has_rows()) {
                    bail!(
                        "`{}` is a plain text by its ending, which is learned alone: give one text, \
                         or files of rows (.jsonl, .json, .ndjson, .parquet)",
                        text.path.display()
                    );
                }
                Ok(Self::Rows(Box::new(Rows::open(files, reading)?)))
            }
        }
    }

    /// Refuses tokens that a model of so many does not know.
    pub(super) fn check(&self, vocabulary: i64) -> Result<()> {
        let greatest = match self {
            Self::Text(text) => text.greatest(),
            Self::Rows(rows) => rows.greatest(),
        };
        ensure!(
            greatest < vocabulary,
            "the tokenizer gives ids up to {greatest}, and the model's vocabulary has {vocabulary}: \
             they do not belong together"
        );
        Ok(())
    }

    /// How many sequences an epoch has.
    pub(super) fn sequences(&self) -> usize {
        match self {
            Self::Text(text) => text.sequences(),
            Self::Rows(rows) => rows.sequences(),
        }
    }

    /// What it is, for people; nothing of a plain text.
    pub(super) fn description(&self) -> Option<String> {
        match self {
            Self::Text(_) => None,
            Self::Rows(rows) => Some(rows.to_string()),
        }
    }

    /// The micro-batches of a data-parallel rank.
    pub(super) fn batches(
        &self,
        seed: u64,
        step: u64,
        size: &BatchSize,
        rank: usize,
    ) -> Result<Batches> {
        match self {
            Self::Text(text) => Ok(Batches {
                micro: text.batches(seed, step, size, rank),
                tokens: size.global() as u64 * text.sequence(),
            }),
            Self::Rows(rows) => rows.batches(step, size, rank),
        }
    }

    /// The micro-batches of one of `ranks`, of sequences that cover everything once: as many on every rank, the last
    /// ones of some filled up with samples that do not count.
    pub(super) fn all(&self, micro: usize, rank: usize, ranks: usize) -> Result<Vec<MicroBatch>> {
        match self {
            Self::Text(text) => Ok(text.all(micro, rank, ranks)),
            Self::Rows(rows) => rows.all(micro, rank, ranks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_stands_behind_the_last_equals_sign() {
        let file = |text| data_file(text).map(|file| (file.path, file.weight));
        assert_eq!(file("a.jsonl"), Ok((PathBuf::from("a.jsonl"), 1.0)));
        assert_eq!(file("a=b.jsonl=0.5"), Ok((PathBuf::from("a=b.jsonl"), 0.5)));
        assert_eq!(file("a=b.jsonl"), Ok((PathBuf::from("a=b.jsonl"), 1.0)));
        for bad in ["a.jsonl=0", "a.jsonl=-1", "a.jsonl=inf", "=2"] {
            assert!(file(bad).is_err(), "{bad}");
        }
    }
}
