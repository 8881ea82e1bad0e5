//! The chunk rule: which part of a dimension a rank holds.

use std::ops::Range;

/// The part of `0..length` that `rank` holds, by torch's rule: chunks of `ceil(length / world_size)`,
/// the last ones shorter or empty.
pub fn chunk(length: i64, rank: usize, world_size: usize) -> Range<i64> {
    let world_size = world_size as i64;
    let size = (length + world_size - 1) / world_size;
    let start = (size * rank as i64).min(length);
    start..(start + size).min(length)
}
