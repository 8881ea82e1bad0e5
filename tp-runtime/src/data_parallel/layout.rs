//! Parameters one after another in one vector, which data-parallel ranks divide.

use std::ops::Range;

use tp_plan::chunk;

/// Where the elements of some parameters lie in a flat vector, and who updates which.
///
/// The vector is reduced and gathered in buckets; of each, every rank updates an equal chunk. Where it
/// ends inside a parameter is no matter: an optimizer treats each element by itself.
pub(crate) struct Layout {
    /// The elements of each parameter.
    pub(crate) spans: Vec<Range<i64>>,
    pub(crate) buckets: Vec<Range<i64>>,
    /// The ranks among which a bucket is divided.
    pub(crate) ranks: usize,
}

impl Layout {
    /// The layout of parameters of so many elements, divided over `ranks` in buckets of about `bucket`.
    pub(crate) fn new(lengths: impl IntoIterator<Item = i64>, ranks: usize, bucket: usize) -> Self {
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

    /// How many elements belong to parameters.
    pub(crate) fn elements(&self) -> i64 {
        self.spans.last().map_or(0, |span| span.end)
    }

    /// How many elements the vector has; the last ones may belong to no parameter.
    pub(crate) fn length(&self) -> i64 {
        self.buckets.last().map_or(0, |bucket| bucket.end)
    }

    /// What is reduced and gathered at a time.
    pub(crate) fn buckets(&self) -> &[Range<i64>] {
        &self.buckets
    }

    /// The elements of a bucket that `rank` updates.
    pub(crate) fn own(&self, bucket: usize, rank: usize) -> Range<i64> {
        let Range { start, end } = self.buckets[bucket].clone();
        let own = chunk(end - start, rank, self.ranks);
        start + own.start..start + own.end
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
