//! Extreme numbers in every field of every architecture's config: the model is built and explained, or the error
//! names a field; nothing panics, and nothing takes long.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tp_models as _;
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::{Mode, Result, model, plan};
use tp_tests::configs;

/// What fields are given, one after another.
fn extremes() -> Vec<Value> {
    let whole = [
        i64::MIN,
        -1_000_000_000_000,
        -1,
        0,
        1,
        3,
        1024,
        4096,
        1 << 20,
        1 << 24,
    ];
    let huge = [1_000_000_000, 1_000_000_000_000, i64::MAX];
    let fractions = [-1e300, -0.5, 5e-324, 0.5, 64.0, 1e15, 1e300];
    let mut values: Vec<Value> = whole.into_iter().chain(huge).map(Value::from).collect();
    values.extend(fractions.map(Value::from));
    values.extend([json!(u64::MAX), json!("NaN"), Value::Null]);
    values
}

/// The places of all numbers, as JSON pointers.
fn numbers(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(place.to_owned()),
        Value::Object(fields) => {
            for (name, value) in fields {
                numbers(value, &format!("{place}/{name}"), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                numbers(value, &format!("{place}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The innermost field of a place, which may be in a list.
fn field(place: &str) -> &str {
    let names = place.rsplit('/');
    let mut names = names.filter(|name| !name.chars().all(|c| c.is_ascii_digit()));
    names.next().unwrap_or_default()
}

fn build_and_explain(config: &Value) -> Result<()> {
    let model = model::build(config)?;
    let plan = plan::plan_for_architecture(model.node().type_name)?;
    let setup = |degree| Setup {
        degree,
        mode: Mode::TensorParallel,
        batch: 8,
        sequence: 4096,
        dtype: Dtype::F32,
    };
    explain(plan, &*model, setup(NonZeroUsize::MIN))?;
    // Two ranks may not share the heads evenly.
    let _ = explain(plan, &*model, setup(NonZeroUsize::MIN.saturating_add(1)));
    Ok(())
}

#[test]
fn batches_beyond_counting_are_refused() -> Result<()> {
    for (name, config) in configs::tiny() {
        let model = model::build(&config)?;
        let plan = plan::plan_for_architecture(model.node().type_name)?;
        for (batch, sequence) in [(u64::MAX, u64::MAX), (1, u64::MAX), (1 << 40, 1 << 20)] {
            let setup = Setup {
                degree: NonZeroUsize::MIN,
                mode: Mode::TensorParallel,
                batch,
                sequence,
                dtype: Dtype::F32,
            };
            let error = explain(plan, &*model, setup).expect_err(&name).to_string();
            assert!(error.contains(&sequence.to_string()), "{error}");
        }
    }
    Ok(())
}

#[test]
fn extreme_numbers_are_explained_or_refused_by_name() {
    let (mut refused, mut explained) = (0, 0);
    let mut unnamed = Vec::new();
    for (fixture, config) in configs::tiny() {
        let mut places = Vec::new();
        numbers(&config, "", &mut places);
        let fields: Vec<&str> = places.iter().map(|place| field(place)).collect();
        for place in &places {
            for value in extremes() {
                let mut changed = config.clone();
                *changed.pointer_mut(place).expect("a place in the config") = value.clone();
                let context = format!("{fixture}{place}: {value}");
                let start = Instant::now();
                match build_and_explain(&changed) {
                    Ok(()) => explained += 1,
                    Err(error) => {
                        let message = error.to_string();
                        let named = fields.iter().any(|field| message.contains(field));
                        if !named {
                            unnamed.push(format!("{context}: {message}"));
                        }
                        refused += 1;
                    }
                }
                let took = start.elapsed();
                assert!(took < Duration::from_secs(20), "{context} took {took:?}");
            }
        }
    }
    assert!(unnamed.is_empty(), "{}", unnamed.join("\n"));
    assert!(explained > 1000 && refused > 1000, "{explained}, {refused}");
}
