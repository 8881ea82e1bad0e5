//! The numbers of a run that one looks for first.

use maud::{Markup, html};

use super::log::{Log, Step, Validation};
use super::number::number;

/// A table of the numbers of a log; a sentence where it has none.
pub(super) fn summary(log: &Log) -> Markup {
    let rows = rows(log);
    html! {
        @if rows.is_empty() {
            p { "No step is logged yet." }
        } @else {
            table.summary {
                @for (name, value) in rows {
                    tr { th scope="row" { (name) } td { (value) } }
                }
            }
        }
        @for remark in &log.remarks {
            p.note { (remark) }
        }
    }
}

/// Each number under its name, as far as the log has them.
fn rows(log: &Log) -> Vec<(&'static str, String)> {
    let Log {
        steps, validations, ..
    } = log;
    let ends = steps.first().zip(steps.last());
    let of = |value: fn(&Step) -> f64| steps.iter().map(move |step| (step.step, value(step)));
    let validation = |found: &Validation| (found.step, found.loss);
    let at = |(step, value): (u64, f64)| format!("{} at step {step}", number(value));

    let between = ends.map(|(first, last)| {
        let (count, first, last) = (steps.len(), first.step, last.step);
        format!("{count}, from {first} to {last}")
    });
    let loss = ends.map(|(first, last)| format!("{} to {}", number(first.loss), number(last.loss)));
    let last_validation = validations.last().map(|last| {
        let perplexity = number(last.perplexity);
        format!("{}, perplexity {perplexity}", at(validation(last)))
    });
    let rate = ends.map(|(_, last)| format!("{} at the last step", number(last.learning_rate)));
    let seconds = || of(|step| step.seconds).map(|(_, seconds)| seconds);
    let time = ends.map(|_| duration(seconds().filter(|one| one.is_finite()).sum()));
    let speed = median(of(|step| step.tokens_per_second));
    let of_rank = median(of(|step| step.tokens_per_second_per_rank));
    let speeds = speed
        .zip(of_rank)
        .map(|(job, rank)| format!("{}, {} on each rank (medians)", number(job), number(rank)));
    let memory = highest(of(|step| step.memory_mib))
        .map(|(_, peak)| format!("{} MiB of the first rank's process", number(peak)));
    let rows = [
        ("Steps", between),
        ("Loss", loss),
        ("Lowest loss", lowest(of(|step| step.loss)).map(at)),
        ("Last validation loss", last_validation),
        (
            "Lowest validation loss",
            lowest(validations.iter().map(validation)).map(at),
        ),
        (
            "Largest gradient norm",
            highest(of(|step| step.gradient_norm)).map(at),
        ),
        ("Learning rate", rate),
        ("Time in steps", time),
        ("Tokens per second", speeds),
        ("Peak memory", memory),
    ];
    let known = rows.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The step of the lowest finite value, the first of them.
fn lowest(values: impl Iterator<Item = (u64, f64)>) -> Option<(u64, f64)> {
    let finite = values.filter(|(_, value)| value.is_finite());
    finite.min_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// The step of the highest finite value, the first of them.
fn highest(values: impl Iterator<Item = (u64, f64)>) -> Option<(u64, f64)> {
    let negative = lowest(values.map(|(step, value)| (step, -value)))?;
    Some((negative.0, -negative.1))
}

fn median(values: impl Iterator<Item = (u64, f64)>) -> Option<f64> {
    let finite = values
        .map(|(_, value)| value)
        .filter(|value| value.is_finite());
    let mut finite: Vec<f64> = finite.collect();
    finite.sort_by(f64::total_cmp);
    finite.get(finite.len() / 2).copied()
}

/// `1 h 2 min`, or `3.5 s`.
fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor();
    match seconds {
        ..60.0 => format!("{} s", number(seconds)),
        60.0..3600.0 => format!("{minutes} min {:.0} s", (seconds - minutes * 60.0).floor()),
        _ => format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_in_the_units_that_fit() {
        for (seconds, text) in [(3.5, "3.5 s"), (61.0, "1 min 1 s"), (3720.0, "1 h 2 min")] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn what_is_not_finite_is_not_the_lowest() {
        let values = [
            (1, f64::NAN),
            (2, 3.0),
            (3, f64::NEG_INFINITY),
            (4, 2.0),
            (5, 2.0),
        ];
        assert_eq!(lowest(values.into_iter()), Some((4, 2.0)));
        assert_eq!(highest(values.into_iter()), Some((2, 3.0)));
        assert_eq!(median(values.into_iter()), Some(2.0));
        assert_eq!(lowest([(1, f64::NAN)].into_iter()), None);
    }
}
