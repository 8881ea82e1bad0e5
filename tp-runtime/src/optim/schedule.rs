//! Learning rates over a run, under the names and with the defaults of transformers' `get_scheduler`.

use std::f64::consts::PI;

/// How the learning rate goes after the warm-up, from 1 at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// It stays (`constant_with_warmup`, or `constant` without warm-up).
    Constant,
    /// In a line to zero at the end (`linear`).
    Linear,
    /// Half a cosine to `minimum` at the end (`cosine`, `cosine_with_min_lr`).
    Cosine {
        /// What part of the peak is left.
        minimum: f64,
    },
    /// It stays until the last `decay_steps`, then half a cosine to `minimum` (`warmup_stable_decay`).
    WarmupStableDecay {
        /// How many steps the end takes.
        decay_steps: u64,
        /// What part of the peak is left.
        minimum: f64,
    },
}

/// The learning rate of every step of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// What the warm-up leads to.
    pub peak: f64,
    /// How many steps lead there in a line from zero.
    pub warmup_steps: u64,
    /// How many steps there are in all.
    pub total_steps: u64,
    /// How it goes on.
    pub shape: Shape,
}

impl Schedule {
    /// The learning rate of a step, the first of which is 0.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.peak * self.factor(step)
    }

    fn factor(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return step as f64 / self.warmup_steps as f64;
        }
        match self.shape {
            Shape::Constant => 1.0,
            Shape::Linear => 1.0 - self.done(step, self.warmup_steps),
            Shape::Cosine { minimum } => cosine(self.done(step, self.warmup_steps), minimum),
            Shape::WarmupStableDecay {
                decay_steps,
                minimum,
            } => {
                let start = self.total_steps.saturating_sub(decay_steps);
                match step < start {
                    true => 1.0,
                    false => cosine(self.done(step, start.max(self.warmup_steps)), minimum),
                }
            }
        }
    }

    /// What part of the way from `start` to the end lies behind a step.
    fn done(&self, step: u64, start: u64) -> f64 {
        let length = self.total_steps.saturating_sub(start).max(1);
        ((step - start) as f64 / length as f64).min(1.0)
    }
}

fn cosine(done: f64, minimum: f64) -> f64 {
    minimum + (1.0 - minimum) * 0.5 * (1.0 + (PI * done).cos())
}

#[cfg(test)]
mod tests {
    use super::{Schedule, Shape};

    fn rates(shape: Shape) -> Vec<f64> {
        let schedule = Schedule {
            peak: 2.0,
            warmup_steps: 2,
            total_steps: 10,
            shape,
        };
        (0..12).map(|step| schedule.learning_rate(step)).collect()
    }

    fn near(found: &[f64], wanted: &[f64]) {
        let close = |(found, wanted): (&f64, &f64)| (found - wanted).abs() < 1e-9;
        assert!(found.iter().zip(wanted).all(close), "{found:?}");
    }

    // The wanted numbers are those of transformers' `get_scheduler` with 2 warm-up steps of 10.
    #[test]
    fn a_warm_up_leads_to_the_peak_in_a_line() {
        near(&rates(Shape::Constant)[..4], &[0.0, 1.0, 2.0, 2.0]);
    }

    #[test]
    fn a_line_ends_at_zero_and_stays_there() {
        near(
            &rates(Shape::Linear)[6..],
            &[1.0, 0.75, 0.5, 0.25, 0.0, 0.0],
        );
    }

    #[test]
    fn a_cosine_ends_at_its_minimum() {
        let found = rates(Shape::Cosine { minimum: 0.1 });
        near(&[found[2], found[6], found[10]], &[2.0, 1.1, 0.2]);
    }

    #[test]
    fn a_stable_run_decays_in_its_last_steps() {
        let shape = Shape::WarmupStableDecay {
            decay_steps: 4,
            minimum: 0.0,
        };
        near(
            &rates(shape)[5..],
            &[
                2.0,
                2.0,
                2.0 * 0.853_553_390_593,
                1.0,
                2.0 * 0.146_446_609_407,
                0.0,
            ],
        );
    }

    #[test]
    fn a_run_without_warm_up_starts_at_the_peak() {
        let schedule = Schedule {
            peak: 1.0,
            warmup_steps: 0,
            total_steps: 0,
            shape: Shape::Linear,
        };
        assert_eq!(schedule.learning_rate(0), 1.0);
    }
}
