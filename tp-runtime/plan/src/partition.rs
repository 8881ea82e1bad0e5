//! How the ranks divide a dimension of a parameter: its segments, and who holds what of each.

use std::ops::Range;

use crate::chunk;

/// A dimension as the ranks divide it: segments one after another, each divided by itself.
///
/// A rank's part is what it holds of the first segment, then of the second, and so on. Most
/// dimensions are one segment, in torch's chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition(Vec<Division>);

/// One segment of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// Where it starts in the dimension.
    pub start: i64,
    /// How long it is.
    pub length: i64,
    /// How many neighbouring ranks hold a replica of each chunk; one where every rank has its own.
    pub replicas: usize,
}

impl Partition {
    /// Segments of these lengths, each chunk of which so many neighbouring ranks hold.
    pub fn new(segments: impl IntoIterator<Item = (i64, usize)>) -> Self {
        let mut start = 0;
        let divisions = segments.into_iter().map(|(length, replicas)| {
            let division = Division {
                start,
                length,
                replicas,
            };
            start += length;
            division
        });
        Self(divisions.collect())
    }

    /// The whole dimension in torch's chunks.
    pub fn chunks(length: i64) -> Self {
        Self::new([(length, 1)])
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
            let held = division.range(rank, world_size);
            let range = start..start + held.end - held.start;
            start = range.end;
            (range, *division)
        });
        own.collect()
    }

    /// What of `rank`'s own part other ranks hold too, and how many ranks hold it; neighbouring ranges
    /// of as many ranks are one.
    pub fn shared(&self, rank: usize, world_size: usize) -> Vec<(Range<i64>, usize)> {
        let mut shared: Vec<(Range<i64>, usize)> = Vec::new();
        for (range, Division { replicas, .. }) in self.own(rank, world_size) {
            match shared.last_mut() {
                Some((last, as_many)) if *as_many == replicas => last.end = range.end,
                _ => shared.push((range, replicas)),
            }
        }
        shared.retain(|(_, replicas)| *replicas > 1);
        shared
    }

    /// How many indices `rank` holds.
    pub fn length(&self, rank: usize, world_size: usize) -> i64 {
        let ranges = self.ranges(rank, world_size).into_iter();
        ranges.map(|range| range.end - range.start).sum()
    }

    /// How many indices all ranks hold, those that several hold counted for each.
    pub fn held(&self) -> i64 {
        self.0.iter().map(Division::held).sum()
    }
}

impl Division {
    /// The indices of the dimension that `rank` holds of this segment.
    pub fn range(&self, rank: usize, world_size: usize) -> Range<i64> {
        let own = chunk(
            self.length,
            rank / self.replicas,
            world_size / self.replicas,
        );
        self.start + own.start..self.start + own.end
    }

    /// How many indices all ranks hold, those that several hold counted for each.
    pub fn held(&self) -> i64 {
        self.length * self.replicas as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_holds_its_chunk_of_every_segment() {
        let partition = Partition::new([(8, 1), (4, 1), (3, 1)]);
        let ranges: Vec<_> = (0..2).map(|rank| partition.ranges(rank, 2)).collect();
        assert_eq!(ranges, [[0..4, 8..10, 12..14], [4..8, 10..12, 14..15]]);
        assert_eq!((partition.length(0, 2), partition.length(1, 2)), (8, 7));
    }

    #[test]
    fn neighbours_share_a_chunk() {
        // Two heads of three on six ranks.
        let partition = Partition::new([(6, 3)]);
        let ranges: Vec<_> = (0..6).flat_map(|rank| partition.ranges(rank, 6)).collect();
        assert_eq!(ranges, [0..3, 0..3, 0..3, 3..6, 3..6, 3..6]);
        assert_eq!(partition.held(), 18);
    }

    #[test]
    fn what_is_shared_is_named_in_the_rank_s_own_part() {
        let partition = Partition::new([(8, 1), (4, 2), (4, 2)]);
        assert_eq!(partition.ranges(3, 4), [6..8, 10..12, 14..16]);
        assert_eq!(partition.shared(3, 4), [(2..6, 2)]);
        assert_eq!(Partition::chunks(8).shared(3, 4), []);
    }
}
