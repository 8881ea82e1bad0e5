//! What two pieces of one parameter have in common.

use std::ops::Range;

use super::place::Span;

/// Neighbouring elements that are in both pieces.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Overlap {
    /// Where they start in the piece that is read.
    pub(super) from: usize,
    /// Where they lie in the piece that is filled.
    pub(super) to: Range<usize>,
}

/// What of `source` is in `target`; the spans of both ascend.
pub(super) fn overlaps(source: &[Span], target: &[Span]) -> Vec<Overlap> {
    let mut found = Vec::new();
    let (mut read, mut filled) = (source.iter().peekable(), target.iter().peekable());
    while let (Some(from), Some(to)) = (read.peek(), filled.peek()) {
        let start = from.whole.start.max(to.whole.start);
        let end = from.whole.end.min(to.whole.end);
        if start < end {
            let first = to.start + start - to.whole.start;
            found.push(Overlap {
                from: from.start + start - from.whole.start,
                to: first..first + end - start,
            });
        }
        if from.whole.end <= to.whole.end {
            read.next();
        } else {
            filled.next();
        }
    }
    found
}

/// The first element of a piece of `length` that is in none of `ranges`, if there is one.
pub(super) fn gap(mut ranges: Vec<Range<usize>>, length: usize) -> Option<usize> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut covered = 0;
    for range in ranges {
        if range.start > covered {
            break;
        }
        covered = covered.max(range.end);
    }
    (covered < length).then_some(covered)
}
