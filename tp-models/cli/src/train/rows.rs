//! Rows of files as the samples of a job: one in a sequence, or several that see nothing of one another.

use std::fmt;
use std::path::Path;
use std::sync::Mutex;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tch::Tensor;
use tp_data::{
    ChatTemplate, Dataset, Encoder, IGNORED_LABEL, LabelsOn, TemplateError, TooLong, alike, pack,
};
use tp_runtime::model::Inputs;
use tp_runtime::train::{BatchSize, Epochs, MicroBatch};

use super::corpus::{Batches, DataFile, Reading};
use crate::text;

/// How rows become sequences.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rows")]
pub(crate) struct RowArgs {
    /// Which tokens of a row are learned
    #[arg(long, value_enum, default_value = "answers")]
    labels: Labels,
    /// What becomes of rows with more tokens than a sequence has
    #[arg(long, value_enum, default_value = "cut")]
    too_long: Fate,
    /// Put several rows in a sequence, which see nothing of one another
    #[arg(long)]
    pub(crate) pack: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Labels {
    /// Completions and what the assistant says; of a row of text, all of it
    Answers,
    /// Everything
    Everything,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fate {
    /// Their first tokens are taken
    Cut,
    /// They are left out
    Drop,
}

impl RowArgs {
    /// An error where a flag is given that a plain text has no use for.
    pub(super) fn refuse(&self, text: &Path) -> Result<()> {
        let flag = match self {
            Self { pack: true, .. } => "--pack",
            Self {
                labels: Labels::Everything,
                ..
            } => "--labels",
            Self {
                too_long: Fate::Drop,
                ..
            } => "--too-long",
            _ => return Ok(()),
        };
        let text = text.display();
        anyhow::bail!(
            "{flag} is about rows, and `{text}` is a plain text: give .jsonl, .json, .ndjson or .parquet"
        )
    }

    /// What makes samples of rows, with the tokenizer and the chat template in a model's folder.
    pub(crate) fn encoder(&self, model: &Path, sequence: u64) -> Result<Encoder> {
        let tokenizer = text::tokenizer(&model.join("tokenizer.json"))?;
        let template = match ChatTemplate::of_folder(model) {
            Err(TemplateError::Missing { .. }) => None,
            template => Some(template?),
        };
        Ok(Encoder {
            eos_token: text::end_of_text(model, &tokenizer)?,
            tokenizer,
            template,
            labels_on: match self.labels {
                Labels::Answers => LabelsOn::Answers,
                Labels::Everything => LabelsOn::Everything,
            },
            length: sequence as usize,
            too_long: match self.too_long {
                Fate::Cut => TooLong::Cut,
                Fate::Drop => TooLong::Drop,
            },
        })
    }
}

/// Samples, and how they stand in sequences.
pub(crate) struct Rows {
    data: Dataset,
    /// The samples of each sequence.
    sequences: Vec<Vec<u32>>,
    /// `None` where a sequence is a sample.
    packed: Option<Packed>,
    epochs: Mutex<Epochs>,
}

/// Sequences of several samples.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Packed {
    sequences: usize,
    /// How many tokens each has.
    capacity: usize,
    /// What part of them are tokens of samples.
    efficiency: f64,
}

impl Rows {
    pub(crate) fn open(files: &[DataFile], reading: Reading<'_>) -> Result<Self> {
        let encoder = reading.rows.encoder(reading.model, reading.sequence)?;
        let files: Vec<_> = files
            .iter()
            .map(|file| (file.path.clone(), file.weight))
            .collect();
        let bar = reading_bar(reading.is_first);
        let data = Dataset::open(&files, encoder, reading.seed, &mut |progress| {
            bar.set_length(progress.of as u64);
            bar.set_position(progress.rows as u64);
        })?;
        bar.finish_and_clear();
        ensure!(
            u32::try_from(data.len()).is_ok(),
            "there are more than {} samples",
            u32::MAX
        );
        let (sequences, packed) = match reading.rows.pack {
            true => {
                let lengths: Vec<usize> = (0..data.len()).map(|index| data.length(index)).collect();
                let packing = pack(&lengths, reading.sequence as usize)?;
                let packed = Packed {
                    sequences: packing.bins.len(),
                    capacity: reading.sequence as usize,
                    efficiency: packing.efficiency(),
                };
                (packing.bins, Some(packed))
            }
            false => (
                (0..data.len() as u32).map(|sample| vec![sample]).collect(),
                None,
            ),
        };
        Ok(Self {
            epochs: Mutex::new(Epochs::new(reading.seed, sequences.len())),
            data,
            sequences,
            packed,
        })
    }

    /// The samples.
    pub(crate) fn data(&self) -> &Dataset {
        &self.data
    }

    /// How they stand in sequences, if several stand in one.
    pub(crate) fn packed(&self) -> Option<Packed> {
        self.packed
    }

    pub(super) fn greatest(&self) -> i64 {
        self.data.statistics().greatest_id
    }

    pub(super) fn sequences(&self) -> usize {
        self.sequences.len()
    }

    /// The sequences of a step are seen by length, so that those of a micro-batch are alike; ranks take turns.
    pub(super) fn batches(&self, step: u64, size: &BatchSize, rank: usize) -> Result<Batches> {
        let first = step * size.global() as u64;
        let Ok(epochs) = self.epochs.lock() else {
            anyhow::bail!("another rank failed while it read the data");
        };
        let places = first..first + size.global() as u64;
        let drawn: Vec<usize> = places.map(|place| epochs.sample(place)).collect();
        drop(epochs);
        let lengths: Vec<usize> = drawn
            .iter()
            .map(|&sequence| self.length(sequence))
            .collect();
        let ranks = size.global() / (size.micro() * size.accumulation());
        let micro_batches = alike(&lengths, size.micro());
        let own = micro_batches.iter().skip(rank).step_by(ranks);
        let batch = |places: &Vec<u32>| {
            let drawn = places.iter().map(|&place| Some(drawn[place as usize]));
            self.batch(&drawn.collect::<Vec<_>>())
        };
        Ok(Batches {
            micro: own.map(batch).collect::<Result<_>>()?,
            tokens: lengths.iter().map(|&length| length as u64).sum(),
        })
    }

    pub(super) fn all(&self, micro: usize, rank: usize, ranks: usize) -> Result<Vec<MicroBatch>> {
        let count = self.sequences.len();
        let batches = count.div_ceil(micro * ranks);
        let first = rank * batches * micro;
        let batch = |index: usize| {
            let places = first + index * micro..first + (index + 1) * micro;
            let drawn: Vec<_> = places
                .map(|place| (place < count).then_some(place))
                .collect();
            self.batch(&drawn)
        };
        (0..batches).map(batch).collect()
    }

    /// How many tokens of samples a sequence has.
    fn length(&self, sequence: usize) -> usize {
        let samples = self.sequences[sequence].iter();
        samples
            .map(|&sample| self.data.length(sample as usize))
            .sum()
    }

    /// A micro-batch of sequences, filled up at their ends, where nothing counts and no token of a sample looks;
    /// `None` for a sequence that does not count.
    fn batch(&self, sequences: &[Option<usize>]) -> Result<MicroBatch> {
        let longest = sequences
            .iter()
            .flatten()
            .map(|&sequence| self.length(sequence))
            .max();
        let capacity = self.packed.map(|packed| packed.capacity);
        let length = capacity.or(longest).unwrap_or(1);
        let (mut ids, mut labels, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for (row, sequence) in (1..).zip(sequences) {
            for &sample in sequence
                .iter()
                .flat_map(|&sequence| &self.sequences[sequence])
            {
                let sample = self.data.get(sample as usize)?;
                positions.extend(0..sample.ids.len() as i64);
                ids.extend(sample.ids);
                // Nothing predicts the first token of a sample.
                labels.push(IGNORED_LABEL);
                labels.extend_from_slice(&sample.labels[1..]);
            }
            let rest = row * length - ids.len();
            positions.extend(0..rest as i64);
            ids.resize(row * length, 0);
            labels.resize(row * length, IGNORED_LABEL);
        }
        let shape = [sequences.len() as i64, length as i64];
        let tensor = |values: &[i64]| Tensor::from_slice(values).view(shape);
        let mut inputs = Inputs::new(tensor(&ids));
        inputs.position_ids = self.packed.map(|_| tensor(&positions));
        let labels = tensor(&labels);
        Ok(MicroBatch { inputs, labels })
    }
}

/// What the files hold, and how it stands in sequences.
impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.data.statistics())?;
        let Some(packed) = self.packed else {
            return Ok(());
        };
        let Packed {
            sequences,
            capacity,
            efficiency,
        } = packed;
        let (samples, part) = (self.data.len(), 100.0 * efficiency);
        write!(
            f,
            "\npacked: {samples} samples in {sequences} sequences of {capacity}, {part:.1} % of them tokens"
        )
    }
}

/// A bar while files are read, where a person looks on.
fn reading_bar(is_first: bool) -> ProgressBar {
    if !is_first {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("reading rows {bar:30} {pos}/{len}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
