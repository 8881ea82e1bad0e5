//! How the ranks divide a dimension of a parameter: its segments, and who holds what of each.

use std::ops::Range;

use crate::{HeadShares, chunk};

/// A dimension as the ranks divide it: segments one after another, each divided by itself.
///
/// A rank's part is what it holds of the first segment, then of the second, and so on. Most
/// dimensions are one segment, in torch's chunks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition(Vec<Division>);

/// One segment of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Division {
    /// Where it starts in the dimension.
    pub start: i64,
    /// How long it is, a multiple of its heads.
    pub length: i64,
    /// The heads it is made of; torch's chunks where it is made of none.
    pub heads: Option<HeadShares>,
}

/// What of a rank's part the same ranks hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPart {
    /// The ranks, which are neighbours.
    pub holders: Range<usize>,
    /// The indices in the rank's own part.
    pub ranges: Vec<Range<i64>>,
}

impl Partition {
    /// Segments of these lengths, made of these heads.
    pub fn new(segments: impl IntoIterator<Item = (i64, Option<HeadShares>)>) -> Self {
        let mut start = 0;
        let divisions = segments.into_iter().map(|(length, heads)| {
            let division = Division {
                start,
                length,
                heads,
            };
            start += length;
            division
        });
        Self(divisions.collect())
    }

    /// The whole dimension in torch's chunks.
    pub fn chunks(length: i64) -> Self {
        Self::new([(length, None)])
    }

    /// The segments.
    pub fn divisions(&self) -> &[Division] {
        &self.0
    }

    /// The indices that `rank` holds of each segment.
    pub fn ranges(&self, rank: usize, world_size: usize) -> Vec<Range<i64>> {
        let of = |division: &Division| division.range(rank, world_size);
        self.0.iter().map(of).collect()
    }

    /// Where each segment is in `rank`'s own part.
    pub fn own(&self, rank: usize, world_size: usize) -> Vec<(Range<i64>, Division)> {
        let mut start = 0;
        let own = self.0.iter().map(|division| {
            let range = start..start + length(&division.range(rank, world_size));
            start = range.end;
            (range, *division)
        });
        own.collect()
    }

    /// What of `rank`'s own part no rank before it holds: all ranks together have each index once.
    pub fn owned(&self, rank: usize, world_size: usize) -> Vec<Range<i64>> {
        let own = self.own(rank, world_size).into_iter();
        let owned = own.map(|(range, division)| {
            range.end - length(&division.owned(rank, world_size))..range.end
        });
        owned.collect()
    }

    /// What of `rank`'s own part other ranks hold too, by the ranks that hold it, which ascend.
    pub fn shared(&self, rank: usize, world_size: usize) -> Vec<SharedPart> {
        let mut shared: Vec<SharedPart> = Vec::new();
        for (range, holders) in self.holders(rank, world_size) {
            if holders.len() < 2 {
                continue;
            }
            let known = shared.iter_mut().find(|part| part.holders == holders);
            match known.map(|part| &mut part.ranges) {
                Some(ranges) => match ranges.last_mut() {
                    Some(last) if last.end == range.start => last.end = range.end,
                    _ => ranges.push(range),
                },
                None => shared.push(SharedPart {
                    holders,
                    ranges: vec![range],
                }),
            }
        }
        shared.sort_by_key(|part| (part.holders.start, part.holders.end));
        shared
    }

    /// The groups of ranks that hold something together, which ascend.
    pub fn holder_groups(&self, world_size: usize) -> Vec<Range<usize>> {
        let shared = (0..world_size).flat_map(|rank| self.shared(rank, world_size));
        let mut groups: Vec<Range<usize>> = shared.map(|part| part.holders).collect();
        groups.sort_by_key(|holders| (holders.start, holders.end));
        groups.dedup();
        groups
    }

    /// The heads of `rank`'s own part, and the ranks that hold each.
    fn holders(&self, rank: usize, world_size: usize) -> Vec<(Range<i64>, Range<usize>)> {
        let mut holders = Vec::new();
        for (range, division) in self.own(rank, world_size) {
            let Some(heads) = division.heads else {
                continue;
            };
            let width = division.length / heads.count;
            for (head, start) in heads
                .range(rank, world_size)
                .zip((range.start..).step_by(width as usize))
            {
                holders.push((start..start + width, heads.holders(head, world_size)));
            }
        }
        holders
    }

    /// How many indices `rank` holds.
    pub fn length(&self, rank: usize, world_size: usize) -> i64 {
        self.ranges(rank, world_size).iter().map(length).sum()
    }
}

impl SharedPart {
    /// How many indices it has.
    pub fn length(&self) -> i64 {
        self.ranges.iter().map(length).sum()
    }
}

impl Division {
    /// A whole dimension.
    pub fn whole(length: i64, heads: Option<HeadShares>) -> Self {
        Self {
            start: 0,
            length,
            heads,
        }
    }

    /// The indices of the dimension that `rank` holds of this segment.
    pub fn range(&self, rank: usize, world_size: usize) -> Range<i64> {
        match self.heads {
            Some(heads) => self.features(heads, heads.range(rank, world_size)),
            None => self.chunk(rank, world_size),
        }
    }

    /// Of those, the indices that no rank before `rank` holds.
    pub fn owned(&self, rank: usize, world_size: usize) -> Range<i64> {
        match self.heads {
            Some(heads) => self.features(heads, heads.owned(rank, world_size)),
            None => self.chunk(rank, world_size),
        }
    }

    /// Whether each rank holds its chunk by torch's rule, and nothing else.
    pub fn is_in_chunks(&self, world_size: usize) -> bool {
        self.is_divided_like(
            &Self {
                heads: None,
                ..*self
            },
            world_size,
        )
    }

    /// Whether the ranks hold the same as if it were divided like `other`.
    pub fn is_divided_like(&self, other: &Self, world_size: usize) -> bool {
        let same = |rank| self.range(rank, world_size) == other.range(rank, world_size);
        self.heads == other.heads && self.length == other.length || (0..world_size).all(same)
    }

    fn features(&self, heads: HeadShares, range: Range<i64>) -> Range<i64> {
        let width = self.length / heads.count;
        self.start + range.start * width..self.start + range.end * width
    }

    fn chunk(&self, rank: usize, world_size: usize) -> Range<i64> {
        let own = chunk(self.length, rank, world_size);
        self.start + own.start..self.start + own.end
    }
}

fn length(range: &Range<i64>) -> i64 {
    range.end - range.start
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four queries to each of two key-value heads, of `width` features.
    fn fused(width: i64) -> Partition {
        let keys = Some(HeadShares {
            count: 2,
            queries: 8,
        });
        Partition::new([
            (8 * width, Some(HeadShares::of_queries(8))),
            (2 * width, keys),
            (2 * width, keys),
        ])
    }

    #[test]
    fn a_rank_holds_its_chunk_of_every_segment() {
        let partition = Partition::new([(8, None), (4, None), (3, None)]);
        let ranges: Vec<_> = (0..2).map(|rank| partition.ranges(rank, 2)).collect();
        assert_eq!(ranges, [[0..4, 8..10, 12..14], [4..8, 10..12, 14..15]]);
        assert_eq!((partition.length(0, 2), partition.length(1, 2)), (8, 7));
    }

    #[test]
    fn heads_are_not_cut() {
        let partition = Partition::new([(18, Some(HeadShares::of_queries(6)))]);
        let ranges: Vec<_> = (0..4).flat_map(|rank| partition.ranges(rank, 4)).collect();
        assert_eq!(ranges, [0..6, 6..12, 12..15, 15..18]);
    }

    #[test]
    fn what_the_same_ranks_share_is_one_part() {
        assert_eq!(fused(1).ranges(3, 4), [6..8, 9..10, 11..12]);
        let part = SharedPart {
            holders: 2..4,
            ranges: std::iter::once(2..4).collect(),
        };
        assert_eq!(fused(1).shared(3, 4), [part]);
    }

    #[test]
    fn a_rank_may_share_with_those_before_it_and_those_after_it() {
        // Queries 0..3, 3..6 and 6..8: the second rank reads both key-value heads.
        let shared = fused(2).shared(1, 3);
        let holders: Vec<_> = shared.iter().map(|part| part.holders.clone()).collect();
        assert_eq!(holders, [0..2, 1..3]);
        assert_eq!(shared[0].ranges, [6..8, 10..12]);
        assert_eq!(shared[1].ranges, [8..10, 12..14]);
    }

    #[test]
    fn every_index_is_owned_once() {
        for world_size in 1..12 {
            let owned = (0..world_size).flat_map(|rank| fused(3).owned(rank, world_size));
            let owned: i64 = owned.map(|range| length(&range)).sum();
            assert_eq!(owned, 36, "{world_size}");
        }
    }
}
