//! The global norm of a sharded gradient is the norm of the whole one, and clipping scales by it.

use tch::{Kind, Tensor};
use tp_models as _;
use tp_runtime::Result;
use tp_runtime::model::Inputs;
use tp_runtime::optim::{clip_gradients, gradient_norm};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Fixture, Tolerance, assert_close, on_ranks, settings};
use tp_tests::fixture;

/// The norm of all of transformers' gradients.
fn reference(fixture: &Fixture) -> f64 {
    let squares = fixture.names_under("even/grad.").into_iter().map(|name| {
        let gradient = fixture.tensor(&format!("even/grad.{name}"));
        gradient.to_kind(Kind::Double).square().sum(Kind::Double)
    });
    squares.sum::<Tensor>().double_value(&[]).sqrt()
}

fn backward(model: &ParallelModel, fixture: &Fixture) -> Result<()> {
    let inputs = Inputs::new(fixture.tensor("even/input_ids"));
    let loss = model.loss(&inputs, &fixture.tensor("even/labels"))?;
    Ok(loss.f_backward()?)
}

fn assert_near(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= 1e-5 * wanted,
        "{what}: {found}, not {wanted}"
    );
}

fn check(name: &str, degrees: &[usize]) {
    for setting in settings(degrees) {
        on_ranks(&fixture(name).dir, setting, Kind::Float, |model| {
            let fixture = fixture(name);
            let whole = reference(&fixture);
            let params = model.parameters();
            backward(model, &fixture)?;
            let context = format!("{name}, {setting}");
            assert_near(gradient_norm(&params, model.group())?, whole, &context);

            let unclipped = clip_gradients(&params, 2.0 * whole, model.group())?;
            assert_near(unclipped, whole, &context);
            assert_near(gradient_norm(&params, model.group())?, whole, &context);

            let before = clip_gradients(&params, whole / 3.0, model.group())?;
            assert_near(before, whole, &context);
            for named in &params {
                let name = format!("even/grad.{}", named.name);
                let third = fixture.tensor(&name) / 3.0;
                assert_close(&name, &model.gradient(named)?, &third, Tolerance::F32);
            }
            Ok(())
        });
    }
}

#[test]
fn with_grouped_heads() {
    check("llama_gqa", &[1, 2, 4]);
}

#[test]
fn with_biases_and_an_uneven_vocabulary() {
    check("llama_bias", &[1, 2, 4]);
}

#[test]
fn with_a_tied_table_that_counts_once() {
    check("llama_tied", &[1, 2]);
}

#[test]
fn without_a_backward_it_is_zero() {
    for setting in settings(&[1, 2]) {
        let dir = fixture("llama_gqa").dir;
        on_ranks(&dir, setting, Kind::Float, |model| {
            let norm = clip_gradients(&model.parameters(), 1.0, model.group())?;
            assert_eq!(norm, 0.0);
            Ok(())
        });
    }
}
