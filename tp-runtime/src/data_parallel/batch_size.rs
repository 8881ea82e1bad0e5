//! How a global batch is divided over data-parallel ranks and micro-batches.

use std::ops::Range;

use crate::error::TrainError;

/// The sizes of a batch, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    global: usize,
    micro: usize,
    ranks: usize,
}

impl BatchSize {
    /// A global batch on so many data-parallel ranks, of which each computes micro-batch after micro-batch.
    ///
    /// # Errors
    /// When the global batch is no multiple of what the ranks compute at once.
    pub fn new(global: usize, micro: usize, ranks: usize) -> Result<Self, TrainError> {
        let at_once = micro.saturating_mul(ranks);
        match global > 0 && at_once > 0 && global.is_multiple_of(at_once) {
            true => Ok(Self {
                global,
                micro,
                ranks,
            }),
            false => Err(TrainError::BatchSize {
                global,
                micro,
                ranks,
                advice: nearest(at_once, global),
            }),
        }
    }

    /// How many samples a step has.
    pub fn global(&self) -> usize {
        self.global
    }

    /// How many samples a rank computes at once.
    pub fn micro(&self) -> usize {
        self.micro
    }

    /// How many micro-batches a rank computes for a step.
    pub fn accumulation(&self) -> usize {
        self.global / (self.micro * self.ranks)
    }

    /// The samples of the global batch that a rank computes, micro-batch by micro-batch.
    pub fn samples(&self, rank: usize) -> Vec<Range<usize>> {
        let first = rank * self.accumulation() * self.micro;
        (0..self.accumulation())
            .map(|index| first + index * self.micro..first + (index + 1) * self.micro)
            .collect()
    }
}

/// The multiples of `step` around `wanted`.
fn nearest(step: usize, wanted: usize) -> String {
    match wanted / step.max(1) * step {
        0 => format!("the least that does is {step}"),
        below => format!("the nearest that do are {below} and {}", below + step),
    }
}

#[cfg(test)]
mod tests {
    use super::BatchSize;

    #[test]
    fn each_sample_is_computed_by_one_rank() {
        let size = BatchSize::new(24, 2, 4).unwrap();
        assert_eq!(size.accumulation(), 3);
        let samples = (0..4).flat_map(|rank| size.samples(rank)).flatten();
        assert!(samples.eq(0..24));
    }

    #[test]
    fn the_nearest_sizes_are_named() {
        let error = |global, micro| BatchSize::new(global, micro, 4).unwrap_err().to_string();
        assert!(error(30, 2).ends_with("the nearest that do are 24 and 32"));
        assert!(error(3, 2).ends_with("the least that does is 8"));
    }
}
