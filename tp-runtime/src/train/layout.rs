//! Parameters one after another in one vector, which data-parallel ranks divide.

use std::ops::Range;

use tp_plan::chunk;

/// Where the elements of some parameters lie in a flat vector, and who updates which.
///
/// The vector is reduced and gathered in buckets; of each, every rank updates an equal chunk. Where it
/// ends inside a parameter is no matter: an optimizer treats each element by itself.
pub(super) struct Layout {
    /// The elements of each parameter.
    spans: Vec<Range<i64>>,
    buckets: Vec<Range<i64>>,
    /// The ranks among which a bucket is divided.
    ranks: usize,
}

/// A run of elements that one rank updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Which parameter.
    pub(super) parameter: usize,
    /// Which of its elements, in row-major order.
    pub(super) elements: Range<i64>,
    /// The bucket they lie in.
    pub(super) bucket: usize,
    /// Where in the rank's chunk of the bucket they start.
    pub(super) start: i64,
}

impl Layout {
    /// The layout of parameters of so many elements, divided over `ranks` in buckets of about `bucket`.
    pub(super) fn new(lengths: impl IntoIterator<Item = i64>, ranks: usize, bucket: usize) -> Self {
        let mut end = 0;
        let spans = lengths.into_iter().map(|length| {
            let start = end;
            end += length;
            start..end
        });
        let spans = spans.collect();
        let ranks_wide = ranks as i64;
        let length = round_up(end, ranks_wide);
        let step = round_up((bucket as i64).max(1), ranks_wide);
        let starts = (0..length).step_by(step as usize);
        Self {
            spans,
            buckets: starts
                .map(|start| start..(start + step).min(length))
                .collect(),
            ranks,
        }
    }

    /// How many elements the vector has; the last ones may belong to no parameter.
    pub(super) fn length(&self) -> i64 {
        self.buckets.last().map_or(0, |bucket| bucket.end)
    }

    /// Among how many ranks it is divided.
    pub(super) fn ranks(&self) -> usize {
        self.ranks
    }

    /// Where each parameter lies.
    pub(super) fn spans(&self) -> &[Range<i64>] {
        &self.spans
    }

    /// What is reduced and gathered at a time.
    pub(super) fn buckets(&self) -> &[Range<i64>] {
        &self.buckets
    }

    /// The elements of a bucket that `rank` updates.
    pub(super) fn own(&self, bucket: usize, rank: usize) -> Range<i64> {
        let Range { start, end } = self.buckets[bucket].clone();
        let own = chunk(end - start, rank, self.ranks);
        start + own.start..start + own.end
    }

    /// What `rank` updates, parameter by parameter.
    pub(super) fn runs(&self, rank: usize) -> Vec<Run> {
        let mut runs = Vec::new();
        for (parameter, span) in self.spans.iter().enumerate() {
            for bucket in 0..self.buckets.len() {
                let own = self.own(bucket, rank);
                let (start, end) = (own.start.max(span.start), own.end.min(span.end));
                if start < end {
                    runs.push(Run {
                        parameter,
                        elements: start - span.start..end - span.start,
                        bucket,
                        start: start - own.start,
                    });
                }
            }
        }
        runs
    }
}

fn round_up(length: i64, step: i64) -> i64 {
    (length as u64).next_multiple_of(step as u64) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Layout;

    proptest! {
        /// Every element of every parameter is updated by exactly one rank, from its place in the chunk.
        #[test]
        fn ranks_share_out_every_element(
            lengths in prop::collection::vec(0_i64..40, 0..8),
            ranks in 1_usize..6,
            bucket in 1_usize..50,
        ) {
            let layout = Layout::new(lengths.iter().copied(), ranks, bucket);
            let mut updates = vec![0; lengths.iter().sum::<i64>() as usize];
            for rank in 0..ranks {
                for run in layout.runs(rank) {
                    let own = layout.own(run.bucket, rank);
                    let span = &layout.spans()[run.parameter];
                    prop_assert_eq!(own.start + run.start, span.start + run.elements.start);
                    for element in run.elements {
                        updates[(span.start + element) as usize] += 1;
                    }
                }
            }
            prop_assert!(updates.iter().all(|&times| times == 1));
        }

        #[test]
        fn buckets_are_divided_evenly(length in 0_i64..200, ranks in 1_usize..6, bucket in 1_usize..50) {
            let layout = Layout::new([length], ranks, bucket);
            prop_assert!(layout.length() >= length);
            for index in 0..layout.buckets().len() {
                let sizes: Vec<i64> = (0..ranks).map(|rank| {
                    let own = layout.own(index, rank);
                    own.end - own.start
                }).collect();
                prop_assert!(sizes.iter().all(|&size| size == sizes[0]));
            }
        }
    }
}
