//! What a row of `docs/configs.md` calls read changes what a model computes, and what it calls unread does not.

use serde_json::{Value, json};
use tch::Tensor;
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::dropout::DropoutKey;
use tp_runtime::model::Inputs;
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_tests::config_table::{BASES, Outcome, parts};
use tp_tests::fixture;

/// Everything that a model of random weights computes, bit by bit, or why it does not.
type Computed = std::result::Result<Vec<(String, Vec<u32>)>, String>;

fn compute(mut config: Value, name: &str) -> Computed {
    // Weights large enough for attention to decide something.
    if config["initializer_range"] != 0.5 {
        config["initializer_range"] = json!(0.3);
    }
    let body = |rank: RankContext| -> Result<Vec<(String, Vec<u32>)>> {
        let fixture = fixture(name);
        let mesh = rank.mesh(&[("tp", 1)])?;
        let options = ParallelOptions::default();
        let model = ParallelModel::initialize(&config, Vec::new(), 1, &mesh, options)?;
        let mut computed = Vec::new();
        // One within the windows and contexts, one beyond them, and one with images.
        for case in ["odd", "even", "image"] {
            let Some(labels) = fixture.find(&format!("{case}/labels")) else {
                continue;
            };
            let inputs = Inputs {
                dropout_key: Some(DropoutKey::new(1, 0)),
                ..fixture.inputs(case)
            };
            let logits = model.forward(&inputs, None)?;
            let loss = model.loss_of(&logits, &labels)?;
            loss.f_backward()?;
            computed.push((format!("{case}/logits"), bits(&logits.full()?)?));
            computed.push((format!("{case}/loss"), bits(&loss)?));
        }
        for named in &model.parameters() {
            computed.push((named.name.clone(), bits(&model.gradient(named)?)?));
        }
        Ok(computed)
    };
    let job = Launch {
        threads_per_rank: Some(1),
        ..Launch::new(1)
    };
    launch(&job, body).map_err(|error| error.to_string())
}

fn bits(tensor: &Tensor) -> Result<Vec<u32>> {
    let values = Vec::<f32>::try_from(tensor.detach().reshape(-1))?;
    Ok(values.into_iter().map(f32::to_bits).collect())
}

#[test]
fn fields_that_are_read_change_what_is_computed() {
    let mut wrong = Vec::new();
    for part in parts() {
        let architecture = part.base["architectures"][0].as_str().expect("a name");
        let base = BASES.iter().find(|(name, _)| *name == architecture);
        let fixture = base.expect("a base").1;
        for (field, row) in &part.rows {
            let before = compute(part.changed(row, field, None), fixture);
            let after = compute(part.changed(row, field, Some(&row.tried)), fixture);
            let is_so = match row.outcome {
                Outcome::Read | Outcome::ReadAtTheStart => before != after,
                Outcome::Unread => before == after,
                Outcome::Refused => after.is_err(),
            };
            if before.is_err() || !is_so {
                let (before, after) = (before.err(), after.err());
                wrong.push(format!(
                    "{architecture} {:?} {field}: {before:?} {after:?}",
                    part.inside
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
