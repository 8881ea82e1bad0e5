//! The samples of several files, weighted.

use std::path::PathBuf;
use std::thread;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use crate::encoder::{Encoded, Encoder, Sample};
use crate::error::{DataError, RowError};
use crate::row::Row;
use crate::source::Source;
use crate::statistics::{Counter, Statistics};

/// How many rows each thread encodes between two reports of progress.
const ROWS_PER_THREAD: usize = 64;

/// How far the opening of a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were encoded.
    pub rows: usize,
    /// Rows there are.
    pub of: usize,
}

/// Samples of which the files are known, and the tokens are not held.
#[derive(Debug)]
pub struct Dataset {
    encoder: Encoder,
    sources: Vec<Source>,
    entries: Vec<Entry>,
    statistics: Statistics,
}

/// Where a sample comes from, and what is known of it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    source: u32,
    row: u32,
    length: u32,
    labelled: u32,
}

impl Dataset {
    /// Opens files and encodes every row once: a bad row is an error now and not in the middle of a job, and lengths
    /// are known. A file of weight `w` gives each of its samples `w` times: whole repeats, and a choice by `seed` of
    /// as many samples as the rest asks for.
    ///
    /// # Errors
    /// When a file cannot be read or a row of it is bad, a weight is not a number above zero, or there is no sample.
    pub fn open(
        files: &[(PathBuf, f64)],
        encoder: Encoder,
        seed: u64,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, DataError> {
        let sources = files.iter().map(|(path, weight)| {
            let is_weight = weight.is_finite() && *weight > 0.0;
            match is_weight {
                true => Source::open(path),
                false => Err(DataError::Weight {
                    path: path.clone(),
                    weight: *weight,
                }),
            }
        });
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        check_size(&sources, files)?;
        let mut progress = Reporter {
            report: progress,
            rows: 0,
            of: sources.iter().map(Source::len).sum(),
        };
        let mut counter = Counter::default();
        let mut entries = Vec::new();
        for (number, (source, (_, weight))) in sources.iter().zip(files).enumerate() {
            let samples = samples(source, number as u32, &encoder, &mut counter, &mut progress)?;
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(number as u64);
            repeat(&samples, *weight, &mut rng, &mut entries);
        }
        let statistics = counter.finish(entries.len());
        match entries.is_empty() {
            false => Ok(Self {
                encoder,
                sources,
                entries,
                statistics,
            }),
            true => Err(DataError::NoSamples { statistics }),
        }
    }

    /// How many samples an epoch has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none, which opening refuses.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many tokens a sample has.
    pub fn length(&self, index: usize) -> usize {
        self.entries[index].length as usize
    }

    /// How many of its labels count.
    pub fn labelled(&self, index: usize) -> usize {
        self.entries[index].labelled as usize
    }

    /// What the files hold.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// A sample.
    ///
    /// # Errors
    /// When its row is no longer what it was.
    pub fn get(&self, index: usize) -> Result<Sample, DataError> {
        let entry = self.entries[index];
        let (source, row) = (&self.sources[entry.source as usize], entry.row as usize);
        let encoded = self.encoder.encode(&source.row(row)?);
        match encoded.map_err(|error| source.fault(row, error))? {
            Encoded::Sample { sample, .. } if sample.ids.len() == entry.length as usize => {
                Ok(sample)
            }
            _ => Err(source.fault(row, RowError::Changed)),
        }
    }
}

/// Refuses more rows or samples than an [`Entry`] and a packing have numbers for.
fn check_size(sources: &[Source], files: &[(PathBuf, f64)]) -> Result<(), DataError> {
    let mut samples = 0.0;
    for (source, (path, weight)) in sources.iter().zip(files) {
        let rows = source.len() as f64;
        samples += rows * weight;
        if rows.max(samples) > f64::from(u32::MAX) {
            return Err(DataError::TooManySamples {
                path: path.clone(),
                weight: *weight,
            });
        }
    }
    Ok(())
}

/// Tells how far it is.
struct Reporter<'a> {
    report: &'a mut dyn FnMut(Progress),
    rows: usize,
    of: usize,
}

impl Reporter<'_> {
    fn advance(&mut self, rows: usize) {
        self.rows += rows;
        (self.report)(Progress {
            rows: self.rows,
            of: self.of,
        });
    }
}

/// The samples of a file.
fn samples(
    source: &Source,
    number: u32,
    encoder: &Encoder,
    counter: &mut Counter,
    progress: &mut Reporter<'_>,
) -> Result<Vec<Entry>, DataError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut samples = Vec::new();
    let mut next = 0;
    while next < source.len() {
        let end = source.len().min(next + threads * ROWS_PER_THREAD);
        let rows = (next..end).map(|index| source.row(index));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        counter.tools_hidden += rows.iter().filter(|row| encoder.hides_tools(row)).count();
        for (row, encoded) in (next..end).zip(encode_all(&rows, encoder, threads)) {
            let encoded = encoded.map_err(|error| source.fault(row, error))?;
            counter.count(&encoded);
            if let Encoded::Sample { sample, .. } = encoded {
                samples.push(Entry {
                    source: number,
                    row: row as u32,
                    length: sample.ids.len() as u32,
                    labelled: sample.labelled() as u32,
                });
            }
        }
        progress.advance(end - next);
        next = end;
    }
    Ok(samples)
}

/// Encodes rows on several threads, and gives them in their order.
fn encode_all(rows: &[Row], encoder: &Encoder, threads: usize) -> Vec<Result<Encoded, RowError>> {
    let mut encoded: Vec<Option<_>> = rows.iter().map(|_| None).collect();
    let share = rows.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (rows, places) in rows.chunks(share).zip(encoded.chunks_mut(share)) {
            scope.spawn(move || {
                for (row, place) in rows.iter().zip(places) {
                    *place = Some(encoder.encode(row));
                }
            });
        }
    });
    encoded.into_iter().flatten().collect()
}

/// Adds each sample as often as its weight says.
fn repeat(samples: &[Entry], weight: f64, rng: &mut ChaCha8Rng, entries: &mut Vec<Entry>) {
    let repeats = weight.floor();
    for _ in 0..repeats as usize {
        entries.extend_from_slice(samples);
    }
    let rest = ((weight - repeats) * samples.len() as f64).round() as usize;
    let mut chosen = index::sample(rng, samples.len(), rest).into_vec();
    chosen.sort_unstable();
    entries.extend(chosen.into_iter().map(|index| samples[index]));
}
