//! The chunk rule: which part of a dimension a rank holds.

use std::ops::Range;

/// The part of `0..length` that `rank` holds, by torch's rule: chunks of `ceil(length / world_size)`,
/// the last ones shorter or empty.
///
/// # Panics
/// When `world_size` is 0.
pub fn chunk(length: i64, rank: usize, world_size: usize) -> Range<i64> {
    assert!(world_size > 0, "a dimension lies on one rank at least");
    let world_size = world_size as i64;
    let size = length / world_size + i64::from(length % world_size > 0);
    let start = size.saturating_mul(rank as i64).min(length);
    start..start.saturating_add(size).min(length)
}

#[cfg(test)]
mod tests {
    use super::chunk;

    #[test]
    fn later_chunks_are_shorter_or_empty_as_in_torch() {
        let chunks = |length, world_size| -> Vec<_> {
            (0..world_size)
                .map(|rank| chunk(length, rank, world_size))
                .collect()
        };
        assert_eq!(chunks(8, 2), [0..4, 4..8]);
        assert_eq!(chunks(257, 2), [0..129, 129..257]);
        assert_eq!(chunks(7, 4), [0..2, 2..4, 4..6, 6..7]);
        assert_eq!(chunks(5, 4), [0..2, 2..4, 4..5, 5..5]);
        assert_eq!(chunks(0, 2), [0..0, 0..0]);
        assert_eq!(chunk(i64::MAX, 0, 1), 0..i64::MAX);
    }

    #[test]
    #[should_panic(expected = "a dimension lies on one rank at least")]
    fn no_rank_holds_no_chunk() {
        chunk(8, 0, 0);
    }
}
