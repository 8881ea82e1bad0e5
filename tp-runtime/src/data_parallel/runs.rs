//! What one rank updates of a flat vector, parameter by parameter.

use std::ops::Range;

use super::layout::Layout;

/// A run of elements that one rank updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Which parameter.
    pub(crate) parameter: usize,
    /// Which of its elements, in row-major order.
    pub(crate) elements: Range<i64>,
    /// The bucket they lie in.
    pub(crate) bucket: usize,
    /// Where in the rank's chunk of the bucket they start.
    pub(crate) start: i64,
}

impl Layout {
    /// Among how many ranks it is divided.
    pub(crate) fn ranks(&self) -> usize {
        self.ranks
    }

    /// Where each parameter lies.
    pub(crate) fn spans(&self) -> &[Range<i64>] {
        &self.spans
    }

    /// What `rank` updates, parameter by parameter.
    pub(crate) fn runs(&self, rank: usize) -> Vec<Run> {
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
    }
}
