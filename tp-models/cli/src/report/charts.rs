//! What a log has to show over steps.

use super::chart::{Chart, Line};
use super::line::Point;
use super::log::{Log, Step};

/// The charts of a log, most telling first.
pub(super) fn charts(log: &Log) -> Vec<Chart> {
    let line = |name, value: fn(&Step) -> f64| {
        let points = log.steps.iter().map(|step| Point {
            step: step.step,
            value: value(step),
        });
        Line {
            name,
            points: points.collect(),
        }
    };
    let chart = |title, name, value| Chart {
        title,
        lines: vec![line(name, value)],
    };
    let mut loss = chart("Loss", "training", |step| step.loss);
    if !log.validations.is_empty() {
        let points = log.validations.iter().map(|validation| Point {
            step: validation.step,
            value: validation.loss,
        });
        loss.lines.push(Line {
            name: "validation",
            points: points.collect(),
        });
    }
    vec![
        loss,
        chart("Gradient norm", "before clipping", |step| {
            step.gradient_norm
        }),
        chart("Learning rate", "learning rate", |step| step.learning_rate),
        chart("Tokens per second", "of the job", |step| {
            step.tokens_per_second
        }),
        chart(
            "Memory in MiB",
            "peak of the first rank's process",
            |step| step.memory_mib,
        ),
    ]
}
