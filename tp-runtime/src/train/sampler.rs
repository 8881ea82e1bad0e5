//! The order of samples: a pure function of seed, step and place in the global batch.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws samples, the same ones on any mesh: a job goes on with them wherever it is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    seed: u64,
    samples: u64,
}

impl Sampler {
    /// Draws out of so many samples, at least one, with replacement.
    pub fn new(seed: u64, samples: u64) -> Self {
        Self { seed, samples }
    }

    /// Which sample stands at `index` of the global batch of `step`.
    pub fn sample(&self, step: u64, index: u64) -> u64 {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(step);
        // A block of the cipher to each place: what one draw uses of it is no matter to the others.
        random.set_word_pos(u128::from(index) * 16);
        random.random_range(0..self.samples.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;

    #[test]
    fn samples_depend_on_seed_step_and_place() {
        let draw = |seed, step| {
            let sampler = Sampler::new(seed, 1 << 40);
            (0..4)
                .map(|index| sampler.sample(step, index))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 5), draw(1, 5));
        assert_ne!(draw(1, 5), draw(2, 5));
        assert_ne!(draw(1, 5), draw(1, 6));
        assert_ne!(draw(1, 5)[0], draw(1, 5)[1]);
    }

    #[test]
    fn every_sample_is_drawn() {
        let sampler = Sampler::new(0, 5);
        let mut drawn: Vec<u64> = (0..200).map(|index| sampler.sample(3, index)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [0, 1, 2, 3, 4]);
    }
}
