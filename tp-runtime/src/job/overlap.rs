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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::place::{Held, Place};
    use super::*;
    use crate::module::Partition;
    use crate::plan::HeadShares;

    /// A split of a dimension by ranks, and in how many pieces data-parallel ranks cut what each holds.
    #[derive(Clone, Debug)]
    struct Grid {
        split: Option<(usize, Partition)>,
        tp: usize,
        dp: i64,
    }

    /// What each rank of a grid has of a parameter.
    fn places(shape: &[i64], grid: &Grid) -> Vec<Place> {
        let mut places = Vec::new();
        for rank in 0..grid.tp {
            let held = grid.split.as_ref().map(|(dim, partition)| Held {
                dim: *dim,
                ranges: partition.ranges(rank, grid.tp),
            });
            let mut held_shape = shape.to_vec();
            if let Some((dim, partition)) = &grid.split {
                held_shape[*dim] = partition.length(rank, grid.tp);
            }
            let length: i64 = held_shape.iter().product();
            for part in 0..grid.dp {
                places.push(Place {
                    parameter: "weight".to_owned(),
                    shape: shape.to_vec(),
                    held: held.clone(),
                    elements: length * part / grid.dp..length * (part + 1) / grid.dp,
                });
            }
        }
        places
    }

    /// Which elements of the whole parameter a piece has, one by one.
    fn elements(place: &Place) -> Vec<usize> {
        let spans = place.spans();
        let starts = spans.iter().map(|span| span.start);
        let lengths = spans.iter().map(|span| span.whole.len());
        let ends = lengths.scan(0, |end, length| Some(std::mem::replace(end, *end + length)));
        assert!(starts.eq(ends), "spans follow one another");
        spans.into_iter().flat_map(|span| span.whole).collect()
    }

    /// What a rank holds by the definition of a partition: every element whose index is in its ranges.
    fn by_definition(place: &Place) -> Vec<usize> {
        let whole = 0..place.shape.iter().product::<i64>();
        let is_held = |element: &i64| match &place.held {
            None => true,
            Some(Held { dim, ranges }) => {
                let inner: i64 = place.shape[dim + 1..].iter().product();
                let index = element / inner % place.shape[*dim];
                ranges.iter().any(|range| range.contains(&index))
            }
        };
        let held: Vec<usize> = whole
            .filter(is_held)
            .map(|element| element as usize)
            .collect();
        held[place.elements.start as usize..place.elements.end as usize].to_vec()
    }

    fn grid(
        shape: [i64; 3],
        segments: Vec<(i64, Option<HeadShares>)>,
    ) -> impl Strategy<Value = Grid> {
        let dim = prop::option::of(0_usize..3);
        (dim, 1_usize..7, 1_i64..4, any::<bool>()).prop_map(move |(dim, tp, dp, fused)| {
            let split = dim.map(|dim| match (dim, fused) {
                (0, true) => (0, Partition::new(segments.clone())),
                _ => (dim, Partition::chunks(shape[dim])),
            });
            Grid { split, tp, dp }
        })
    }

    fn cases() -> impl Strategy<Value = ([i64; 3], Grid, Grid)> {
        let heads = (1_i64..4, 1_i64..4).prop_map(|(count, group)| HeadShares {
            count,
            queries: count * group,
        });
        let segment = (0_i64..3, prop::option::of(heads))
            .prop_map(|(width, heads)| (width * heads.map_or(1, |heads| heads.count), heads));
        let segments = prop::collection::vec(segment, 1..4);
        (segments, 1_i64..4, 1_i64..4).prop_flat_map(|(segments, middle, last)| {
            let first = segments.iter().map(|(length, _)| length).sum();
            let shape = [first, middle, last];
            (
                Just(shape),
                grid(shape, segments.clone()),
                grid(shape, segments),
            )
        })
    }

    proptest! {
        /// Whoever saved a parameter and whoever reads it: every element is found, and is the one it was.
        #[test]
        fn a_piece_is_filled_from_any_grid((shape, saved, read) in cases()) {
            let sources = places(&shape, &saved);
            for target in places(&shape, &read) {
                prop_assert!(target.is_sound());
                let mut filled = vec![usize::MAX; target.length() as usize];
                let mut covered = Vec::new();
                for source in &sources {
                    let held = elements(source);
                    for Overlap { from, to } in overlaps(&source.spans(), &target.spans()) {
                        filled[to.clone()].copy_from_slice(&held[from..from + to.len()]);
                        covered.push(to);
                    }
                }
                prop_assert_eq!(gap(covered, filled.len()), None);
                prop_assert_eq!(&filled, &by_definition(&target));
            }
        }
    }

    #[test]
    fn a_gap_is_found() {
        assert_eq!(gap(vec![4..6, 0..2, 2..4], 6), None);
        assert_eq!(gap(vec![0..5, 1..3, 5..6], 6), None);
        assert_eq!(gap(vec![3..6, 0..2], 6), Some(2));
        assert_eq!(gap(vec![0..3, 3..5], 6), Some(5));
        assert_eq!(gap(vec![], 6), Some(0));
    }
}
