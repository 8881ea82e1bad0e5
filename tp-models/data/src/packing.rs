//! Which samples share a sequence, or a micro-batch.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Samples in sequences of one capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The samples of each sequence.
    pub bins: Vec<Vec<u32>>,
    tokens: u64,
    capacity: usize,
}

impl Packing {
    /// What part of the sequences' tokens are the samples'.
    pub fn efficiency(&self) -> f64 {
        let places = self.bins.len() as f64 * self.capacity as f64;
        match self.bins.is_empty() {
            true => 1.0,
            false => self.tokens as f64 / places,
        }
    }
}

/// A sample that fits no sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sample {sample} has {length} tokens, and a sequence takes {capacity}: cut or drop it")]
pub struct Oversized {
    /// The sample.
    pub sample: usize,
    /// Its length.
    pub length: usize,
    /// What a sequence takes.
    pub capacity: usize,
}

/// Packs samples into sequences of `capacity` tokens by best-fit decreasing: from the longest on, each goes where it
/// leaves the least room.
///
/// # Errors
/// When a sample is longer than a sequence.
pub fn pack(lengths: &[usize], capacity: usize) -> Result<Packing, Oversized> {
    let mut bins: Vec<Vec<u32>> = Vec::new();
    let mut bins_by_room: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for sample in longest_first(lengths) {
        let length = lengths[sample as usize];
        let best = bins_by_room.range_mut(length..).next();
        let (room, bin) = match best {
            Some((&room, candidates)) => {
                let bin = candidates.pop();
                if candidates.is_empty() {
                    bins_by_room.remove(&room);
                }
                (room, bin)
            }
            None => (capacity, None),
        };
        let left = room.checked_sub(length).ok_or(Oversized {
            sample: sample as usize,
            length,
            capacity,
        })?;
        let bin = bin.unwrap_or_else(|| {
            bins.push(Vec::new());
            bins.len() - 1
        });
        bins[bin].push(sample);
        bins_by_room.entry(left).or_default().push(bin);
    }
    Ok(Packing {
        bins,
        tokens: lengths.iter().map(|&length| length as u64).sum(),
        capacity,
    })
}

/// Micro-batches of `size` samples that are about as long as each other, for little padding; the last may have fewer.
pub fn alike(lengths: &[usize], size: usize) -> Vec<Vec<u32>> {
    let samples = longest_first(lengths);
    samples.chunks(size.max(1)).map(<[u32]>::to_vec).collect()
}

/// The samples by length; of those with one length, the first one first.
fn longest_first(lengths: &[usize]) -> Vec<u32> {
    let mut samples: Vec<u32> = (0..lengths.len() as u32).collect();
    samples.sort_by_key(|&sample| Reverse(lengths[sample as usize]));
    samples
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_best_fit_is_taken() {
        let packing = pack(&[3, 5, 2, 7, 3], 10).expect("all fit");
        assert_eq!(packing.bins, [vec![3, 0], vec![1, 4, 2]]);
        assert_eq!(packing.efficiency(), 1.0);
    }

    #[test]
    fn what_is_too_long_is_named() {
        let fault = Oversized {
            sample: 1,
            length: 5,
            capacity: 4,
        };
        assert_eq!(pack(&[4, 5], 4), Err(fault));
    }

    #[test]
    fn micro_batches_are_of_one_length() {
        assert_eq!(
            alike(&[1, 9, 2, 8, 1], 2),
            [vec![1, 3], vec![2, 0], vec![4]]
        );
    }

    proptest! {
        #[test]
        fn every_sample_has_one_place(lengths in prop::collection::vec(0_usize..=64, 0..200), more in 0_usize..100) {
            let capacity = 64 + more;
            let packing = pack(&lengths, capacity).expect("all fit");
            let mut seen = vec![0; lengths.len()];
            for bin in &packing.bins {
                let tokens: usize = bin.iter().map(|&sample| lengths[sample as usize]).sum();
                prop_assert!(tokens <= capacity);
                bin.iter().for_each(|&sample| seen[sample as usize] += 1);
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
            // Any two sequences together hold more than one could.
            let tokens: usize = lengths.iter().sum();
            prop_assert!(packing.bins.len() <= 2 * tokens.div_ceil(capacity) + 1);
        }
    }
}
