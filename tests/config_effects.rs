//! What a row of `docs/configs.md` calls read changes what a model computes, and what it calls unread does not.

use serde_json::{Value, json};
use tch::Tensor;
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::comm::{Launch, launch};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::testing::Fixture;
use tp_tests::config_table::{BASES, Outcome, parts};
use tp_tests::fixture;

/// Everything that a model of random weights computes, bit by bit, or why it does not.
type Computed = std::result::Result<Vec<(String, Vec<u32>)>, String>;

fn compute(mut config: Value, fixture: &Fixture) -> Computed {
    // Weights large enough for attention to decide something.
    let config_has_none = config
        .get("initializer_range")
        .is_none_or(|range| range == 0.02);
    if config_has_none {
        config["initializer_range"] = json!(0.3);
    }
    let body = |rank: tp_runtime::comm::RankContext| -> Result<Vec<(String, Vec<u32>)>> {
        let mesh = rank.mesh(&[("tp", 1)])?;
        let options = ParallelOptions::default();
        let model = ParallelModel::initialize(&config, Vec::new(), 1, &mesh, options)?;
        let mut computed = Vec::new();
        // One within the windows and contexts, one beyond them, and one with images.
        for case in ["odd", "even", "image"] {
            let Some(labels) = fixture.find(&format!("{case}/labels")) else {
                continue;
            };
            let logits = model.forward(&fixture.inputs(case), None)?;
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
    for part in parts() {
        let architecture = part.base["architectures"][0].as_str().expect("a name");
        let base = BASES.iter().find(|(name, _)| *name == architecture);
        let fixture = fixture(base.expect("a base").1);
        for (field, row) in &part.rows {
            let context = format!("{architecture} {:?} {field}", part.inside);
            let before = compute(part.changed(row, field, None), &fixture);
            assert!(before.is_ok(), "{context}: {before:?}");
            let after = compute(part.changed(row, field, Some(&row.tried)), &fixture);
            match row.outcome {
                Outcome::Read | Outcome::ReadAtTheStart => {
                    assert!(before != after, "{context}: {} changes nothing", row.tried);
                }
                Outcome::Unread => assert!(before == after, "{context}: {after:?}"),
                Outcome::Refused => assert!(after.is_err(), "{context} is not refused"),
            }
        }
    }
}
