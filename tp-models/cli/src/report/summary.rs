//! The numbers of a run that one looks for first.

use maud::{Markup, html};

use super::log::{Log, Step};
use super::number::number;

/// A number under its name.
struct Row {
    name: &'static str,
    value: String,
}

/// A table of the numbers of a log; a sentence where it has none.
pub(super) fn summary(log: &Log) -> Markup {
    let rows = rows(log);
    html! {
        @if rows.is_empty() {
            p { "No step is logged yet." }
        } @else {
            table.summary {
                @for row in rows {
                    tr { th scope="row" { (row.name) } td { (row.value) } }
                }
            }
        }
        @for remark in &log.remarks {
            p.note { (remark) }
        }
    }
}

fn rows(log: &Log) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut push = |name, value| rows.push(Row { name, value });
    if let [first, .., last] | [first @ last] = &log.steps[..] {
        push(
            "Steps",
            format!("{}, from {} to {}", log.steps.len(), first.step, last.step),
        );
        push(
            "Loss",
            format!("{} to {}", number(first.loss), number(last.loss)),
        );
        let of =
            |value: fn(&Step) -> f64| log.steps.iter().map(move |step| (step.step, value(step)));
        if let Some((step, loss)) = lowest(of(|step| step.loss)) {
            push("Lowest loss", format!("{} at step {step}", number(loss)));
        }
        push_validations(log, &mut push);
        if let Some((step, norm)) = lowest(of(|step| -step.gradient_norm)) {
            push(
                "Largest gradient norm",
                format!("{} at step {step}", number(-norm)),
            );
        }
        push(
            "Learning rate",
            format!("{} at the last step", number(last.learning_rate)),
        );
        let seconds = log
            .steps
            .iter()
            .map(|step| step.seconds)
            .filter(|seconds| seconds.is_finite());
        push("Time in steps", duration(seconds.sum()));
        let speeds = [
            of(|step| step.tokens_per_second),
            of(|step| step.tokens_per_second_per_rank),
        ];
        if let [Some(job), Some(rank)] = speeds.map(median) {
            push(
                "Tokens per second",
                format!("{}, {} on each rank (medians)", number(job), number(rank)),
            );
        }
        if let Some((_, memory)) = lowest(of(|step| -step.memory_mib)) {
            push(
                "Peak memory",
                format!("{} MiB of the first rank's process", number(-memory)),
            );
        }
    } else {
        push_validations(log, &mut push);
    }
    rows
}

fn push_validations(log: &Log, push: &mut impl FnMut(&'static str, String)) {
    let validations = &log.validations;
    if let Some(last) = validations.last() {
        let (loss, perplexity) = (number(last.loss), number(last.perplexity));
        let text = format!("{loss} at step {}, perplexity {perplexity}", last.step);
        push("Last validation loss", text);
    }
    let losses = validations
        .iter()
        .map(|validation| (validation.step, validation.loss));
    if let Some((step, loss)) = lowest(losses) {
        push(
            "Lowest validation loss",
            format!("{} at step {step}", number(loss)),
        );
    }
}

/// The step of the lowest finite value, the first of them.
fn lowest(values: impl Iterator<Item = (u64, f64)>) -> Option<(u64, f64)> {
    let finite = values.filter(|(_, value)| value.is_finite());
    finite.min_by(|(_, a), (_, b)| a.total_cmp(b))
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
        assert_eq!(median(values.into_iter()), Some(2.0));
        assert_eq!(lowest([(1, f64::NAN)].into_iter()), None);
    }
}
