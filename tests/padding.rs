//! Padded batches: real positions give what they give without padding.

use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::loss::IGNORED_LABEL;
use tp_runtime::model::Inputs;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Fixture, Tolerance, assert_close, on_ranks, settings};
use tp_tests::fixture;

/// The padded length, which neither 2 nor 4 divides.
const LENGTH: i64 = 9;

/// A token like any other, so that only the mask hides it.
const PAD: i64 = 5;

#[derive(Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
}

/// Rows of several lengths, the longest of them whole.
fn rows(fixture: &Fixture) -> Vec<Tensor> {
    let ids = fixture.tensor("masked/input_ids");
    [(0, 9), (1, 4), (2, 1)]
        .map(|(row, length)| ids.narrow(0, row, 1).narrow(1, 0, length))
        .into()
}

/// Where a row stands in the padded batch.
fn start(row: &Tensor, side: Side) -> i64 {
    match side {
        Side::Left => LENGTH - row.size()[1],
        Side::Right => 0,
    }
}

/// The rows as one batch: ids, mask, and labels that ask of each row what it is asked alone.
fn padded(rows: &[Tensor], side: Side) -> (Inputs, Tensor) {
    let full = |value| Tensor::full([rows.len() as i64, LENGTH], value, tch::kind::INT64_CPU);
    let (ids, mask, labels) = (full(PAD), full(0), full(IGNORED_LABEL));
    for (index, row) in rows.iter().enumerate() {
        let (first, length) = (start(row, side), row.size()[1]);
        let real = |tensor: &Tensor| tensor.get(index as i64).narrow(0, first, length);
        real(&ids).copy_(&row.get(0));
        let _ = real(&mask).fill_(1);
        real(&labels).copy_(&row.get(0));
        // Nothing real stands before the first token to predict it from.
        let _ = real(&labels).narrow(0, 0, 1).fill_(IGNORED_LABEL);
    }
    let inputs = Inputs {
        attention_mask: Some(mask),
        ..Inputs::new(ids)
    };
    (inputs, labels)
}

/// The gradients of the loss over all rows, each run alone.
fn gradients_alone(model: &ParallelModel, rows: &[Tensor]) -> Result<Vec<Tensor>> {
    let predicted: i64 = rows.iter().map(|row| row.size()[1] - 1).sum();
    for row in rows.iter().filter(|row| row.size()[1] > 1) {
        let share = (row.size()[1] - 1) as f64 / predicted as f64;
        let loss = model.loss(&Inputs::new(row.shallow_clone()), row)?;
        (loss * share).f_backward()?;
    }
    gradients(model)
}

/// The gradients there are, which are then forgotten.
fn gradients(model: &ParallelModel) -> Result<Vec<Tensor>> {
    let take = |named: &_| {
        let gradient = model.gradient(named)?.copy();
        Ok(gradient)
    };
    let gradients = model.parameters().iter().map(take).collect();
    for named in model.parameters() {
        named.param.local().zero_grad();
    }
    gradients
}

fn check(name: &str, degrees: &[usize], side: Side) {
    for setting in settings(degrees) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            let rows = rows(&fixture(name));
            let (inputs, labels) = padded(&rows, side);
            let context = format!("{name}, {setting}, padded {side:?}");

            let logits = model.forward(&inputs, None)?.full()?;
            for (index, row) in rows.iter().enumerate() {
                let alone = model
                    .forward(&Inputs::new(row.shallow_clone()), None)?
                    .full()?;
                let real = logits.narrow(0, index as i64, 1);
                let real = real.narrow(1, start(row, side), row.size()[1]);
                let name = format!("logits of row {index}, {context}");
                assert_close(&name, &real, &alone, Tolerance::F32);
            }

            let alone = gradients_alone(model, &rows)?;
            model.loss(&inputs, &labels)?.f_backward()?;
            let together = gradients(model)?;
            for ((named, alone), together) in model.parameters().iter().zip(alone).zip(together) {
                let name = format!("gradient of {}, {context}", named.name);
                assert_close(&name, &together, &alone, Tolerance::F32);
            }
            Ok(())
        });
    }
}

/// Where each row's own tokens stand, counted from its first.
fn own_positions(inputs: &Inputs) -> Option<Tensor> {
    let mask = inputs.attention_mask.as_ref()?;
    Some((mask.cumsum(1, Kind::Int64) - 1).clamp_min(0))
}

/// A query of Ministral 3 grows with the number of its position, which padding moves.
#[test]
fn rows_stand_where_their_positions_say() {
    for name in ["llama_gqa", "ministral3", "gemma3_text", "phi2"] {
        for setting in settings(&[1, 2]) {
            on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
                let rows = rows(&fixture(name));
                let (mut inputs, _) = padded(&rows, Side::Left);
                inputs.position_ids = own_positions(&inputs);
                let logits = model.forward(&inputs, None)?.full()?;
                for (index, row) in rows.iter().enumerate() {
                    let alone = model.forward(&Inputs::new(row.shallow_clone()), None)?;
                    let real = logits.narrow(0, index as i64, 1);
                    let real = real.narrow(1, start(row, Side::Left), row.size()[1]);
                    let name = format!("logits of row {index}, {name}, {setting}");
                    assert_close(&name, &real, &alone.full()?, Tolerance::F32);
                }
                Ok(())
            });
        }
    }
}

#[test]
fn padded_on_the_right() {
    check("llama_gqa", &[1, 2, 4], Side::Right);
    check("llama_bias", &[1, 2], Side::Right);
}

#[test]
fn padded_on_the_left() {
    check("llama_gqa", &[1, 2, 4], Side::Left);
    check("llama_bias", &[1, 2], Side::Left);
}
