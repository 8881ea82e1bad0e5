//! `log.jsonl`: what a job told of its steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// The records of a log; where a step is logged again, the last of it.
#[derive(Default)]
pub(super) struct Log {
    pub(super) steps: Vec<Step>,
    pub(super) validations: Vec<Validation>,
    /// What a reader should know of the log itself.
    pub(super) remarks: Vec<String>,
}

/// What was measured of a step; NaN where the log has no number.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) step: u64,
    pub(super) loss: f64,
    pub(super) gradient_norm: f64,
    pub(super) learning_rate: f64,
    pub(super) seconds: f64,
    pub(super) tokens_per_second: f64,
    pub(super) tokens_per_second_per_rank: f64,
    pub(super) memory_mib: f64,
}

/// The loss on another text after a step.
#[derive(Clone, Copy)]
pub(super) struct Validation {
    pub(super) step: u64,
    pub(super) loss: f64,
    pub(super) perplexity: f64,
}

/// A line of the log.
enum Record {
    Step(Step),
    Validation(Validation),
}

impl Log {
    /// Reads a log.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| {
            let path = path.display();
            format!("cannot read `{path}`, which `tp train` writes for every step")
        })?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8]) -> Self {
        let (mut steps, mut validations) = (BTreeMap::new(), BTreeMap::new());
        let (mut repeated, mut left_out) = (0, Vec::new());
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
        let mut is_half = false;
        for (index, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            match Record::of(line) {
                Some(Record::Step(step)) => {
                    repeated += usize::from(steps.insert(step.step, step).is_some());
                }
                Some(Record::Validation(validation)) => {
                    validations.insert(validation.step, validation);
                }
                None if !line.ends_with(b"\n") => is_half = true,
                None => left_out.push(index + 1),
            }
        }
        Self {
            steps: steps.into_values().collect(),
            validations: validations.into_values().collect(),
            remarks: remarks(repeated, &left_out, is_half),
        }
    }
}

impl Record {
    /// What a line says; `None` where it is no record.
    fn of(line: &[u8]) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let step = fields.get("step")?.as_u64()?;
        // JSON has no NaN: what is none in Rust is `null` in the log.
        let number = |name| fields.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        if fields.contains_key("validation_loss") {
            return Some(Self::Validation(Validation {
                step,
                loss: number("validation_loss"),
                perplexity: number("perplexity"),
            }));
        }
        fields.contains_key("loss").then(|| {
            Self::Step(Step {
                step,
                loss: number("loss"),
                gradient_norm: number("gradient_norm"),
                learning_rate: number("learning_rate"),
                seconds: number("seconds"),
                tokens_per_second: number("tokens_per_second"),
                tokens_per_second_per_rank: number("tokens_per_second_per_rank"),
                memory_mib: number("memory_mib"),
            })
        })
    }
}

fn remarks(repeated: usize, left_out: &[usize], is_half: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    match repeated {
        0 => {}
        1 => remarks.push("One step was logged again when the job went on: the last record counts.".to_owned()),
        many => remarks.push(format!(
            "{many} records of steps were followed by another of the same step, as when a job goes on: the last counts."
        )),
    }
    match left_out {
        [] => {}
        [one] => remarks.push(format!(
            "Line {one} of the log is no record and is left out."
        )),
        [first, rest @ ..] => remarks.push(format!(
            "Line {first} of the log and {} more are no records and are left out.",
            rest.len()
        )),
    }
    if is_half {
        remarks.push("The last line of the log is half-written and is left out.".to_owned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_of_a_step_counts() {
        let log = Log::of(
            b"{\"step\": 1, \"loss\": 5}\n{\"step\": 2, \"loss\": 4.5}\n{\"step\": 2, \"loss\": 4.25}\n",
        );
        let found: Vec<(u64, f64)> = log
            .steps
            .iter()
            .map(|step| (step.step, step.loss))
            .collect();
        assert_eq!(found, [(1, 5.0), (2, 4.25)]);
        assert!(log.remarks[0].starts_with("One step was logged again"));
    }

    #[test]
    fn what_is_no_record_is_left_out_and_told() {
        let log = Log::of(
            b"{\"step\": 1, \"loss\": 5}\n\n{\"step\": 2, \"lo{\"step\": 2, \"loss\": 1}\n\xff\n7\n{\"step\": -1, \"loss\": 1}\n{\"step\": 3, \"loss\": 1e999}\n{\"step\": 4, \"los",
        );
        assert_eq!(log.steps.len(), 1);
        let expected = [
            "Line 3 of the log and 4 more are no records and are left out.",
            "The last line of the log is half-written and is left out.",
        ];
        assert_eq!(log.remarks, expected);
    }

    #[test]
    fn what_is_no_number_is_nan_and_validations_are_apart() {
        let log = Log::of(
            b"{\"step\": 1, \"loss\": null, \"memory_mib\": null}\n{\"step\": 1, \"validation_loss\": null, \"perplexity\": 2}",
        );
        assert!(log.steps[0].loss.is_nan() && log.steps[0].memory_mib.is_nan());
        assert!(log.validations[0].loss.is_nan());
        assert_eq!(log.validations[0].perplexity, 2.0);
        assert!(log.remarks.is_empty());
    }
}
