//! Dropout in a training forward is that of transformers under the same masks, on any number of ranks, and nowhere else.

use serde_json::{Value, json};
use tch::Kind;
use tp_models::phi3::PHI3_FUSED;
use tp_runtime::comm::{Launch, launch};
use tp_runtime::dropout::DropoutKey;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::plan::Plan;
use tp_runtime::testing::{Fixture, Setting, Tolerance, assert_close, on_ranks, settings};
use tp_runtime::train::{MicroBatch, TrainOptions, Trainer};
use tp_runtime::{Result, config, model};
use tp_tests::changed::with_fields;
use tp_tests::fixture;

/// What the fixture was made with.
struct Facts(Value);

impl Facts {
    fn read() -> Self {
        Self(config::read(&fixture("dropout").dir.join("reference.json")).expect("a fixture"))
    }

    fn key(&self) -> DropoutKey {
        let number = |field: &str| self.0[field].as_i64().expect("a number");
        DropoutKey::new(number("seed") as u64, number("step") as u64)
            .after(number("samples_before"), number("images_before"))
    }

    fn names(&self) -> Vec<&str> {
        let fields = self.0["fields"].as_object().expect("names");
        fields.keys().map(String::as_str).collect()
    }

    /// The checkpoint of a fixture whose config drops.
    fn checkpoint(&self, name: &str) -> tempfile::TempDir {
        with_fields(name, self.0["fields"][name].as_object().expect("fields"))
    }
}

/// Loss and every gradient, layers recomputed or not.
fn hold(name: &str, degrees: &[usize], plan: Option<&'static Plan>) {
    let facts = Facts::read();
    let checkpoint = facts.checkpoint(name);
    for setting in settings(degrees) {
        let setting = Setting { plan, ..setting };
        on_ranks(checkpoint.path(), setting, Kind::Float, |model| {
            // Tensors are no `Sync`: each rank reads its own.
            let reference = Fixture::open(fixture("dropout").dir);
            let labels = reference.tensor(&format!("{name}/labels"));
            for recompute in [false, true] {
                let mut inputs = reference.inputs(name);
                inputs.dropout_key = Some(facts.key());
                inputs.recompute = recompute;
                let loss = model.loss(&inputs, &labels)?;
                let place =
                    |what: &str| format!("{name}, {setting}, recompute {recompute}: {what}");
                let wanted = reference.tensor(&format!("{name}/loss"));
                assert_close(&place("loss"), &loss, &wanted, Tolerance::F32);
                loss.f_backward()?;
                for named in model.parameters() {
                    let gradient = model.gradient(&named)?;
                    let wanted = reference.find(&format!("{name}/grad.{}", named.name));
                    let wanted = wanted.unwrap_or_else(|| gradient.zeros_like());
                    assert_close(&place(&named.name), &gradient, &wanted, Tolerance::F32);
                    named.param.local().zero_grad();
                }
            }
            Ok(())
        });
    }
}

#[test]
fn llama() {
    hold("llama_tied", &[1, 2, 3, 4, 6], None);
}

#[test]
fn qwen() {
    hold("qwen2", &[1, 2, 3, 4], None);
    hold("qwen3", &[1, 2, 3, 4], None);
}

#[test]
fn phi2() {
    hold("phi2", &[1, 2, 3, 4], None);
}

#[test]
fn phi3() {
    hold("phi3_longrope", &[1, 2, 4], None);
    hold("phi3_longrope", &[2, 4], Some(&PHI3_FUSED));
}

#[test]
fn ministral3() {
    hold("ministral3", &[1, 2, 4], None);
}

#[test]
fn gemma3_and_its_vision_tower() {
    hold("gemma3_cond", &[1, 2, 4], None);
}

#[test]
fn mistral3_and_its_vision_tower() {
    hold("mistral3_cond", &[1, 2, 4], None);
}

/// Without a key a model with dropout says what it says without dropout.
#[test]
fn nothing_is_dropped_outside_of_training() {
    let facts = Facts::read();
    for name in facts.names() {
        let checkpoint = facts.checkpoint(name);
        for setting in settings(&[1]) {
            on_ranks(checkpoint.path(), setting, Kind::Float, |model| {
                let reference = fixture(name);
                let mut inputs = reference.inputs("even");
                let wanted = reference.tensor("even/logits");
                let logits = model.forward(&inputs, None)?.full()?;
                assert_close(name, &logits, &wanted, Tolerance::F32);
                inputs.dropout_key = Some(facts.key());
                let dropped = model.forward(&inputs, None)?.full()?;
                assert!(!dropped.allclose(&wanted, 1e-2, 1e-2, false), "{name}");
                Ok(())
            });
        }
    }
}

/// A trainer drops in its backward, and not where it evaluates.
#[test]
fn a_trainer_evaluates_without_dropout() {
    let checkpoint = Facts::read().checkpoint("phi2");
    let found = launch(&Launch::new(1), |rank| -> Result<[f64; 3]> {
        let mesh = rank.mesh(&[("dp", 1), ("tp", 1)])?;
        let model = ParallelModel::from_pretrained(checkpoint.path()).load(&mesh)?;
        let mut trainer = Trainer::new(model, &mesh, TrainOptions::default(), |parts| {
            AdamW::of_parts(parts, AdamWOptions::default())
        })?;
        let reference = fixture("phi2");
        let batch = [MicroBatch {
            inputs: reference.inputs("even"),
            labels: reference.tensor("even/labels"),
        }];
        let dropped = trainer.backward(&batch)?.loss;
        let evaluated = trainer.evaluate(&batch)?;
        Ok([
            dropped,
            evaluated,
            reference.tensor("even/loss").double_value(&[]),
        ])
    });
    let [dropped, evaluated, wanted] = found.unwrap();
    assert!(
        (evaluated - wanted).abs() < 1e-5 * wanted,
        "{evaluated}, not {wanted}"
    );
    assert!(
        (dropped - wanted).abs() > 1e-3 * wanted,
        "{dropped} with dropout"
    );
}

#[test]
fn a_probability_of_one_is_refused_by_its_name() {
    let facts = Facts::read();
    for name in facts.names() {
        let config = config::read(&fixture(name).dir.join("config.json")).expect("a config");
        for place in facts.0["fields"][name].as_object().expect("fields").keys() {
            // Read by no class.
            if name == "phi3_longrope" && place == "/embd_pdrop" {
                continue;
            }
            for (value, said) in [(json!(1), "1"), (json!(-0.1), "-0.1"), (json!(1.5), "1.5")] {
                let mut changed = config.clone();
                *changed.pointer_mut(place).expect("a field") = value;
                let Err(error) = model::build(&changed) else {
                    panic!("{name}: {place} of {said}");
                };
                let (_, field) = place.rsplit_once('/').expect("a JSON pointer");
                let error = error.to_string();
                assert!(
                    error.contains(&format!("{field}`: {said} is no probability")),
                    "{error}"
                );
            }
            let mut changed = config.clone();
            *changed.pointer_mut(place).expect("a field") = Value::Null;
            assert!(model::build(&changed).is_ok(), "{name}: no {place}");
        }
    }
}
