//! Rotary frequencies are those that transformers reads out of the same config, in every spelling of one; what it
//! refuses is refused here.

use std::any::Any;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use tp_models as _;
use tp_runtime::model::{self, Model};
use tp_runtime::nn::RotaryEmbedding;

/// What transformers makes of a config.
#[derive(Deserialize)]
struct Case {
    config: Map<String, Value>,
    /// By the name of the embedding and the length of the text, and last the factor of cosines and sines.
    frequencies: Option<BTreeMap<String, BTreeMap<i64, Vec<f64>>>>,
}

#[derive(Deserialize)]
struct Fixture {
    base: BTreeMap<String, Map<String, Value>>,
    cases: BTreeMap<String, Vec<Case>>,
}

#[test]
fn frequencies_are_those_of_transformers() -> Result<(), serde_json::Error> {
    let fixture: Fixture = serde_json::from_str(include_str!("fixtures/rope.json"))?;
    for (architecture, cases) in fixture.cases {
        for case in cases {
            let context = format!("{architecture} {}", Value::from(case.config.clone()));
            let mut config = fixture.base[&architecture].clone();
            config.extend(case.config);
            config.insert(
                "architectures".to_owned(),
                vec![architecture.clone()].into(),
            );
            match (model::build(&config.into()), case.frequencies) {
                (Ok(model), Some(expected)) => compare(&*model, &expected, &context),
                (Err(_), None) => {}
                (Ok(_), None) => panic!("{context}: transformers refuses it"),
                (Err(error), Some(_)) => panic!("{context}: {error}"),
            }
        }
    }
    Ok(())
}

fn compare(model: &dyn Model, expected: &BTreeMap<String, BTreeMap<i64, Vec<f64>>>, context: &str) {
    for (name, by_length) in expected {
        let layers = model.layers();
        let layer = layers.iter().find(|layer| layer.path.to_string() == *name);
        let layer: &dyn Any = layer.expect("the embedding").layer;
        let rotary: &RotaryEmbedding = layer.downcast_ref().expect("a rotary embedding");
        for (length, expected) in by_length {
            let (frequencies, factor) = rotary.frequencies(*length);
            let found = frequencies.iter().map(|frequency| f64::from(*frequency));
            let found: Vec<f64> = found.chain([factor]).collect();
            let near = |(found, expected): (&f64, &f64)| (found / expected - 1.0).abs() < 1e-6;
            let same = found.len() == expected.len() && found.iter().zip(expected).all(near);
            assert!(
                same,
                "{context}: {found:?} in {name} for {length}, and not {expected:?}"
            );
        }
    }
}
