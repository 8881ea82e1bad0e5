//! What files hold, in numbers.

use std::fmt;

use serde::Serialize;

use crate::encoder::Encoded;

/// What became of the rows of a data set's files, each counted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// All of them.
    pub rows: usize,
    /// Samples in an epoch, repeated and chosen by weight.
    pub samples: usize,
    /// Tokens of the rows that became samples.
    pub tokens: u64,
    /// Those whose label counts.
    pub labelled_tokens: u64,
    /// Rows that were cut.
    pub cut: usize,
    /// Rows that were left out because they are too long.
    pub dropped: usize,
    /// Rows that were left out because no label of theirs counts.
    pub without_labels: usize,
    /// Rows with tools that the chat template does not show.
    pub tools_hidden: usize,
    /// The greatest token, which the vocabulary of a model has to have.
    pub greatest_id: i64,
    /// The fewest tokens of a sample.
    pub shortest: usize,
    /// As many as half of the samples have at most.
    pub median: usize,
    /// The most tokens of a sample.
    pub longest: usize,
    /// How many samples have up to so many tokens, and more than the entry before says.
    pub histogram: Vec<Bucket>,
}

/// A range of lengths, up to a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// The longest.
    pub up_to: usize,
    /// How many samples have one of them.
    pub samples: usize,
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rows,
            samples,
            tokens,
            labelled_tokens,
            ..
        } = self;
        writeln!(f, "{rows} rows, {samples} samples in an epoch")?;
        writeln!(f, "{tokens} tokens, {labelled_tokens} of them with a label")?;
        for (count, what) in [
            (self.cut, "are cut"),
            (self.dropped, "are left out: too long"),
            (self.without_labels, "are left out: no token with a label"),
            (
                self.tools_hidden,
                "have tools, which the chat template does not show",
            ),
        ] {
            if count > 0 {
                writeln!(f, "{count} rows {what}")?;
            }
        }
        write!(
            f,
            "a sample has {} to {} tokens, half of them up to {}",
            self.shortest, self.longest, self.median
        )?;
        let most = self.histogram.iter().map(|bucket| bucket.samples).max();
        for Bucket { up_to, samples } in &self.histogram {
            let bar = "#".repeat((samples * 40).div_ceil(most.unwrap_or(1).max(1)));
            write!(f, "\n{up_to:>9} {bar} {samples}")?;
        }
        Ok(())
    }
}

/// Counts rows as they are encoded.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    lengths: Vec<u32>,
    labelled_tokens: u64,
    cut: usize,
    dropped: usize,
    without_labels: usize,
    pub(crate) tools_hidden: usize,
    greatest_id: i64,
}

impl Counter {
    pub(crate) fn count(&mut self, encoded: &Encoded) {
        match encoded {
            Encoded::Sample { sample, is_cut } => {
                self.lengths.push(sample.ids.len() as u32);
                self.labelled_tokens += sample.labelled() as u64;
                self.cut += usize::from(*is_cut);
                let greatest = sample.ids.iter().max().copied().unwrap_or(0);
                self.greatest_id = self.greatest_id.max(greatest);
            }
            Encoded::TooLong => self.dropped += 1,
            Encoded::Unlabelled => self.without_labels += 1,
        }
    }

    pub(crate) fn finish(mut self, samples: usize) -> Statistics {
        self.lengths.sort_unstable();
        let length = |index: usize| self.lengths.get(index).map_or(0, |&length| length as usize);
        Statistics {
            rows: self.lengths.len() + self.dropped + self.without_labels,
            samples,
            tokens: self.lengths.iter().map(|&length| u64::from(length)).sum(),
            labelled_tokens: self.labelled_tokens,
            cut: self.cut,
            dropped: self.dropped,
            without_labels: self.without_labels,
            tools_hidden: self.tools_hidden,
            greatest_id: self.greatest_id,
            shortest: length(0),
            median: length(self.lengths.len().saturating_sub(1) / 2),
            longest: length(self.lengths.len().saturating_sub(1)),
            histogram: histogram(&self.lengths),
        }
    }
}

/// Counts by powers of two, from the shortest of the sorted lengths to the longest.
fn histogram(lengths: &[u32]) -> Vec<Bucket> {
    let mut histogram: Vec<Bucket> = Vec::new();
    for &length in lengths {
        while histogram
            .last()
            .is_none_or(|last| last.up_to < length as usize)
        {
            let up_to = match histogram.last() {
                Some(last) => last.up_to * 2,
                None => (length as usize).next_power_of_two(),
            };
            histogram.push(Bucket { up_to, samples: 0 });
        }
        if let Some(last) = histogram.last_mut() {
            last.samples += 1;
        }
    }
    histogram
}
