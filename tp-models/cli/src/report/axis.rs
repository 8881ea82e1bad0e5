//! An axis with ticks at round numbers.

use super::number::{exponent, plain};

/// How many ticks there are, about.
const TICKS: f64 = 5.0;

/// Values from one end to the other, and those that are written.
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    step: f64,
}

impl Axis {
    /// From the lowest to the highest value, widened to round numbers.
    pub(super) fn widened(lowest: f64, highest: f64) -> Self {
        let (lowest, highest) = match lowest < highest {
            true => (lowest, highest),
            // One value alone stands in the middle.
            false => {
                let around = if lowest == 0.0 {
                    1.0
                } else {
                    lowest.abs() / 10.0
                };
                (lowest - around, lowest + around)
            }
        };
        let step = round((highest - lowest) / TICKS);
        Self {
            low: (lowest / step).floor() * step,
            high: (highest / step).ceil() * step,
            step,
        }
    }

    /// From the first to the last step of a job, ticks at whole numbers.
    pub(super) fn of_steps(first: u64, last: u64) -> Self {
        let (low, high) = (first as f64, last as f64);
        Self {
            low,
            high,
            step: round((high - low) / TICKS).max(1.0),
        }
    }

    /// Where a value lies: 0 at the low end, 1 at the high.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self.high > self.low {
            true => (value - self.low) / (self.high - self.low),
            false => 0.5,
        }
    }

    /// The ticks, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let first = (self.low / self.step).ceil();
        // What rounding leaves out at the end is no tick.
        let count = ((self.high / self.step - first) + 1e-6)
            .floor()
            .clamp(0.0, 4.0 * TICKS);
        let ticks = (0..=count as u32).map(|index| {
            let tick = (first + f64::from(index)) * self.step;
            (tick, self.label(tick))
        });
        ticks
            .filter(|(tick, _)| *tick <= self.high + self.step / 2.0)
            .collect()
    }

    fn label(&self, tick: f64) -> String {
        let size = self.low.abs().max(self.high.abs());
        match self.step < 1e-3 || size >= 1e7 {
            true if tick == 0.0 => "0".to_owned(),
            true => {
                let digits =
                    (tick.abs().log10().floor() - self.step.log10().floor()).clamp(0.0, 9.0);
                exponent(tick, digits as usize)
            }
            false => plain(tick, 3),
        }
    }
}

/// The next of 1, 2, 5, 10, 20, …
fn round(step: f64) -> f64 {
    let magnitude = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|factor| factor * magnitude >= step * (1.0 - 1e-9));
    // 0 where the step is below what a number can be divided into.
    (factor.unwrap_or(10.0) * magnitude).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        for (lowest, highest, expected) in [
            (2.31, 5.08, &["2", "3", "4", "5", "6"][..]),
            (0.0, 3e-4, &["0", "1e-4", "2e-4", "3e-4"]),
            (-1.0, 1.0, &["-1", "-0.5", "0", "0.5", "1"]),
            (9e6, 2.1e7, &["5e6", "1e7", "1.5e7", "2e7", "2.5e7"]),
            (5.0, 5.0, &["4.4", "4.6", "4.8", "5", "5.2", "5.4", "5.6"]),
            (0.0, 0.0, &["-1", "-0.5", "0", "0.5", "1"]),
        ] {
            let axis = Axis::widened(lowest, highest);
            assert_eq!(labels(&axis), expected);
            assert!(axis.low <= lowest && highest <= axis.high);
        }
    }

    #[test]
    fn steps_have_whole_ticks_between_the_first_and_the_last() {
        assert_eq!(labels(&Axis::of_steps(1, 4)), ["1", "2", "3", "4"]);
        assert_eq!(
            labels(&Axis::of_steps(1, 1000)),
            ["200", "400", "600", "800", "1000"]
        );
        assert_eq!(labels(&Axis::of_steps(7, 7)), ["7"]);
        assert_eq!(Axis::of_steps(7, 7).place(7.0), 0.5);
    }

    #[test]
    fn no_values_make_endless_ticks() {
        for (lowest, highest) in [
            (0.0, 5e-324),
            (1.0, 1.0 + f64::EPSILON),
            (-1e300, 1e300),
            (1e15, 1e15 + 0.5),
        ] {
            let axis = Axis::widened(lowest, highest);
            assert!((1..=21).contains(&axis.ticks().len()), "{lowest} {highest}");
            assert!(axis.place(lowest).is_finite());
        }
    }
}
