//! Attention heads over the ranks: each has its share of the queries, with the heads that these read.

use std::ops::Range;

/// The heads of a dimension, and the queries by which the ranks divide them.
///
/// The ranks divide the queries evenly, the first of them with one more where they do not divide. A
/// rank holds the heads that its queries read, so that neighbours hold a key-value head together
/// where its queries are on both (Ainslie et al. 2023 for the groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeadShares {
    /// How many heads there are.
    pub count: i64,
    /// How many query heads read them, a multiple of `count`.
    pub queries: i64,
}

impl HeadShares {
    /// Heads that ranks divide by themselves, as they do queries.
    pub const fn of_queries(count: i64) -> Self {
        Self {
            count,
            queries: count,
        }
    }

    /// The queries of `rank`.
    pub fn queries(self, rank: usize, ranks: usize) -> Range<i64> {
        let (rank, ranks) = (rank as i64, ranks as i64);
        let (each, more) = (self.queries / ranks, self.queries % ranks);
        let start = rank * each + rank.min(more);
        start..start + each + i64::from(rank < more)
    }

    /// The heads that `rank` holds.
    pub fn range(self, rank: usize, ranks: usize) -> Range<i64> {
        let queries = self.queries(rank, ranks);
        let start = queries.start / self.group();
        match queries.is_empty() {
            true => start..start,
            false => start..(queries.end - 1) / self.group() + 1,
        }
    }

    /// Of the heads that `rank` holds, those that no rank before it holds.
    pub fn owned(self, rank: usize, ranks: usize) -> Range<i64> {
        let held = self.range(rank, ranks);
        let before = match rank {
            0 => 0,
            _ => self.range(rank - 1, ranks).end,
        };
        held.start.max(before)..held.end
    }

    /// The ranks that hold a head, which are neighbours.
    pub fn holders(self, head: i64, ranks: usize) -> Range<usize> {
        let first = head * self.group();
        let last = first + self.group() - 1;
        self.rank_of(first, ranks)..self.rank_of(last, ranks) + 1
    }

    /// The rank that has a query.
    fn rank_of(self, query: i64, ranks: usize) -> usize {
        let (each, more) = (self.queries / ranks as i64, self.queries % ranks as i64);
        let of_first = more * (each + 1);
        let rank = match query < of_first {
            true => query / (each + 1),
            false => more + (query - of_first) / each,
        };
        rank as usize
    }

    /// How many queries read one head.
    fn group(self) -> i64 {
        self.queries / self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(shares: HeadShares, ranks: usize) -> Vec<i64> {
        let ranges = (0..ranks).map(|rank| shares.range(rank, ranks));
        ranges.map(|range| range.end - range.start).collect()
    }

    #[test]
    fn the_first_ranks_have_one_head_more() {
        let queries = HeadShares::of_queries;
        assert_eq!(lengths(queries(28), 8), [4, 4, 4, 4, 3, 3, 3, 3]);
        assert_eq!(lengths(queries(6), 4), [2, 2, 1, 1]);
        assert_eq!(lengths(queries(3), 5), [1, 1, 1, 0, 0]);
    }

    #[test]
    fn a_rank_holds_the_heads_that_its_queries_read() {
        let shares = HeadShares {
            count: 2,
            queries: 14,
        };
        let held: Vec<_> = (0..4).map(|rank| shares.range(rank, 4)).collect();
        assert_eq!(held, [0..1, 0..2, 1..2, 1..2]);
        assert_eq!((shares.holders(0, 4), shares.holders(1, 4)), (0..2, 1..4));
        let owned: Vec<_> = (0..4).map(|rank| shares.owned(rank, 4)).collect();
        assert_eq!(owned, [0..1, 1..2, 2..2, 2..2]);
    }

    #[test]
    fn any_number_of_ranks_holds_every_head_and_owns_it_once() {
        for (count, group, ranks) in triples(12, 7, 20) {
            let shares = HeadShares {
                count,
                queries: count * group,
            };
            let mut next = 0;
            for rank in 0..ranks {
                let (held, owned) = (shares.range(rank, ranks), shares.owned(rank, ranks));
                assert!(owned.is_empty() || owned.start == next);
                next = next.max(owned.end);
                assert_eq!(owned.end, held.end.max(owned.start));
                for head in 0..count {
                    let is_held = shares.holders(head, ranks).contains(&rank);
                    assert_eq!(
                        held.contains(&head),
                        is_held,
                        "{shares:?} {rank} of {ranks}"
                    );
                }
            }
            assert_eq!(next, count);
        }
    }

    /// Every triple of numbers from one to these.
    fn triples(counts: i64, groups: i64, ranks: usize) -> impl Iterator<Item = (i64, i64, usize)> {
        let pairs =
            (1..=counts).flat_map(move |count| (1..=groups).map(move |group| (count, group)));
        pairs.flat_map(move |(count, group)| (1..=ranks).map(move |ranks| (count, group, ranks)))
    }
}
