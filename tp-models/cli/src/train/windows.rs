//! Windows of a tokenized text as the samples of a job.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tch::Tensor;
use tp_runtime::loss::IGNORED_LABEL;
use tp_runtime::model::Inputs;
use tp_runtime::train::{BatchSize, MicroBatch, Sampler};

use crate::text;

/// A text as tokens, of which each sample is a run.
pub(super) struct Windows {
    tokens: Vec<i64>,
    sequence: usize,
}

impl Windows {
    pub(super) fn read(text: &Path, tokenizer: &Path, sequence: u64) -> Result<Self> {
        let content = std::fs::read_to_string(text)
            .with_context(|| format!("cannot read the text `{}`", text.display()))?;
        let tokens = text::encode(&text::tokenizer(tokenizer)?, &content, false)?;
        ensure!(
            tokens.len() as u64 >= sequence,
            "`{}` has {} tokens: give more text, or at most that many with --sequence",
            text.display(),
            tokens.len()
        );
        Ok(Self {
            tokens,
            sequence: sequence as usize,
        })
    }

    /// The greatest token.
    pub(super) fn greatest(&self) -> i64 {
        self.tokens.iter().max().copied().unwrap_or(0)
    }

    /// How many windows cover the text once.
    pub(super) fn sequences(&self) -> usize {
        self.tokens.len() / self.sequence
    }

    /// How many tokens a window has.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence as u64
    }

    /// The micro-batches of a data-parallel rank, of random windows.
    pub(super) fn batches(
        &self,
        seed: u64,
        step: u64,
        size: &BatchSize,
        rank: usize,
    ) -> Vec<MicroBatch> {
        let starts = self.tokens.len() - self.sequence + 1;
        let sampler = Sampler::new(seed, starts as u64);
        let start = |index: usize| sampler.sample(step, index as u64) as usize;
        let batch = |samples: Range<usize>| {
            let count = samples.len();
            self.batch(samples.map(start).map(Some), count)
        };
        size.samples(rank).into_iter().map(batch).collect()
    }

    /// The micro-batches of one of `ranks`, of windows that cover the text once: as many on every rank,
    /// the last ones of some filled up with samples that do not count.
    pub(super) fn all(&self, micro: usize, rank: usize, ranks: usize) -> Vec<MicroBatch> {
        let count = self.tokens.len() / self.sequence;
        let batches = count.div_ceil(micro * ranks);
        let first = rank * batches * micro;
        let start = |index: usize| (index < count).then_some(index * self.sequence);
        let batch = |index: usize| {
            let samples = first + index * micro..first + (index + 1) * micro;
            self.batch(samples.map(start), micro)
        };
        (0..batches).map(batch).collect()
    }

    /// A micro-batch of windows by their starts; `None` for a sample that does not count.
    fn batch(&self, starts: impl Iterator<Item = Option<usize>>, count: usize) -> MicroBatch {
        let mut ids = Vec::with_capacity(count * self.sequence);
        let mut labels = Vec::with_capacity(count * self.sequence);
        for start in starts {
            let window = &self.tokens[start.unwrap_or(0)..][..self.sequence];
            ids.extend_from_slice(window);
            match start {
                Some(_) => labels.extend_from_slice(window),
                None => labels.extend(std::iter::repeat_n(IGNORED_LABEL, self.sequence)),
            }
        }
        let shape = [count as i64, self.sequence as i64];
        let tensor = |values: &[i64]| Tensor::from_slice(values).view(shape);
        MicroBatch {
            inputs: Inputs::new(tensor(&ids)),
            labels: tensor(&labels),
        }
    }
}
