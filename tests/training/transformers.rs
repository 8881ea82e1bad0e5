//! What a trainer makes of a batch is what transformers' model and torch's AdamW made of it.

use serde_json::Value;
use tp_runtime::comm::RankContext;
use tp_runtime::optim::{AdamW, AdamWOptions};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Tolerance, assert_close};
use tp_runtime::train::{MicroBatch, Recompute, TrainOptions, Trainer, Zero};
use tp_runtime::{Mode, Result};
use tp_tests::fixture;
use tp_tests::grid::Grid;

/// The settings that the reference was trained with.
fn settings(reference: &Value) -> AdamWOptions {
    let number = |value: &Value| value.as_f64().expect("a number");
    let train = &reference["train"];
    AdamWOptions {
        learning_rate: number(&train["lr"]),
        beta1: number(&train["betas"][0]),
        beta2: number(&train["betas"][1]),
        epsilon: number(&train["eps"]),
        weight_decay: number(&train["weight_decay"]),
        ..Default::default()
    }
}

#[test]
fn three_steps_of_transformers() {
    for name in ["llama_gqa", "qwen3", "gemma3_text", "qwen3_seqcls"] {
        for zero in [Zero::Replicas, Zero::Optimizer, Zero::Parameters] {
            let body = |rank: RankContext| hold(name, zero, &rank);
            Grid::new(2, 2, Mode::SequenceParallel).launch(body);
        }
    }
}

/// Each data-parallel rank has one of the two texts of the case.
fn hold(name: &str, zero: Zero, rank: &RankContext) -> Result<()> {
    let fixture = fixture(name);
    let text = std::fs::read_to_string(fixture.dir.join("reference.json")).expect("a fixture");
    let options = settings(&serde_json::from_str(&text).expect("JSON"));
    let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
    let model = ParallelModel::from_pretrained(&fixture.dir)
        .sequence_parallel()
        .device(rank.device)
        .load(&mesh)?;
    let train = TrainOptions {
        zero,
        recompute: Recompute::Full,
        max_norm: None,
        ..Default::default()
    };
    let mut trainer = Trainer::new(model, &mesh, train, |parts| AdamW::of_parts(parts, options))?;
    let own = mesh.coordinate("dp")? as i64;
    let mut inputs = fixture.inputs("even");
    inputs.input_ids = inputs.input_ids.narrow(0, own, 1);
    let labels = fixture.tensor("even/labels").narrow(0, own, 1);
    let batch = [MicroBatch { inputs, labels }];
    let losses = fixture.tensor("train/losses");
    for step in 0..3 {
        let found = trainer.backward(&batch)?;
        let wanted = losses.double_value(&[step]);
        let near = (found.loss - wanted).abs() < 1e-5 * wanted;
        assert!(
            near,
            "{name} {zero:?} step {step}: {} should be {wanted}",
            found.loss
        );
        trainer.update(options.learning_rate)?;
    }
    // A step is `learning_rate` long whatever the gradient: noise in a tiny one shows.
    let tolerance = Tolerance {
        absolute: 1e-4,
        relative: 1e-5,
    };
    let model = trainer.model();
    for named in &model.parameters() {
        let wanted = fixture.tensor(&format!("train/param.{}", named.name));
        let place = format!("{name} {zero:?} {}", named.name);
        assert_close(&place, &model.whole(named)?, &wanted, tolerance);
    }
    Ok(())
}
