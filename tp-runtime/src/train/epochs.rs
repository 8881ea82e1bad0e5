//! The order of samples that are all seen once before any is seen again.

use std::cell::RefCell;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Shuffles samples anew for each epoch; which stands where is a function of seed and place alone, so that a job goes
/// on with the same ones on any mesh.
#[derive(Debug)]
pub struct Epochs {
    seed: u64,
    samples: usize,
    /// The order of the epoch that was asked for last.
    current: RefCell<Option<(u64, Vec<u32>)>>,
}

impl Epochs {
    /// The order of so many samples, at least one.
    pub fn new(seed: u64, samples: usize) -> Self {
        let current = RefCell::default();
        Self {
            seed,
            samples: samples.max(1),
            current,
        }
    }

    /// Which sample stands at a place, counted from the start of the job.
    pub fn sample(&self, place: u64) -> usize {
        let samples = self.samples as u64;
        let (epoch, index) = (place / samples, (place % samples) as usize);
        let mut current = self.current.borrow_mut();
        match &*current {
            Some((known, order)) if *known == epoch => order[index] as usize,
            _ => {
                let order = self.order(epoch);
                let sample = order[index] as usize;
                *current = Some((epoch, order));
                sample
            }
        }
    }

    fn order(&self, epoch: u64) -> Vec<u32> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(epoch);
        let mut order: Vec<u32> = (0..self.samples as u32).collect();
        order.shuffle(&mut random);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::Epochs;

    #[test]
    fn each_epoch_has_every_sample_once_in_an_order_of_its_own() {
        let epochs = Epochs::new(3, 10);
        let epoch = |number: u64| -> Vec<usize> {
            (number * 10..(number + 1) * 10)
                .map(|place| epochs.sample(place))
                .collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        for mut order in [first.clone(), second] {
            order.sort_unstable();
            assert!(order.into_iter().eq(0..10));
        }
        assert_eq!(epoch(0), first);
        assert_ne!(Epochs::new(4, 10).sample(0), Epochs::new(5, 10).sample(0));
    }
}
