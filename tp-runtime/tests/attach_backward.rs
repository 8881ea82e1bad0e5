//! Backward functions written in Rust, as seen from `Tensor::backward`.
#![cfg(feature = "torch")]

use std::sync::Arc;

use tch::{Kind, TchError, Tensor, no_grad};
use tp_runtime::ffi::attach_backward;

fn leaf(values: &[f32]) -> Tensor {
    Tensor::from_slice(values).set_requires_grad(true)
}

fn failing(message: &'static str) -> tp_runtime::Error {
    TchError::Shape(message.into()).into()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor).unwrap()
}

#[test]
fn identity_forward_scale_backward() {
    let input = leaf(&[1.0, 2.0]);
    let output = attach_backward(&input, input.detach(), |gradient| Ok(gradient * 3.0));
    assert_eq!(values(&output), [1.0, 2.0]);
    (output * 2.0).sum(Kind::Float).backward();
    assert_eq!(values(&input.grad()), [6.0, 6.0]);
}

#[test]
fn the_output_may_be_the_input_itself() {
    let input = leaf(&[1.0]);
    let hidden = &input * 2.0;
    let output = attach_backward(&hidden, hidden.shallow_clone(), |gradient| {
        Ok(gradient * 5.0)
    });
    output.backward();
    assert_eq!(values(&input.grad()), [10.0]);
}

#[test]
fn scale_forward_identity_backward() {
    let input = leaf(&[1.0, 2.0]);
    let output = attach_backward(&input, no_grad(|| &input * 7.0), Ok);
    output.sum(Kind::Float).backward();
    assert_eq!(values(&input.grad()), [1.0, 1.0]);
}

#[test]
fn shapes_may_differ_between_input_and_output() {
    let input = leaf(&[1.0, 2.0, 3.0]);
    let output = attach_backward(&input, no_grad(|| input.narrow(0, 1, 1)), |gradient| {
        Ok(Tensor::cat(
            &[
                gradient.zeros_like(),
                gradient.shallow_clone(),
                gradient.zeros_like(),
            ],
            0,
        ))
    });
    output.sum(Kind::Float).backward();
    assert_eq!(values(&input.grad()), [0.0, 1.0, 0.0]);
}

#[test]
fn gradients_of_two_uses_of_one_input_add_up() {
    let input = leaf(&[1.0]);
    let once = attach_backward(&input, input.detach(), |gradient| Ok(gradient * 2.0));
    let twice = attach_backward(&input, input.detach(), |gradient| Ok(gradient * 3.0));
    (once + twice).backward();
    assert_eq!(values(&input.grad()), [5.0]);
}

#[test]
fn an_error_surfaces_with_its_message() {
    let input = leaf(&[1.0]);
    let output = attach_backward(&input, input.detach(), |_| {
        Err(failing("rank 1 left the all-reduce"))
    });
    let error = output.f_backward().unwrap_err().to_string();
    assert!(error.contains("rank 1 left the all-reduce"), "{error}");
}

#[test]
fn a_panic_surfaces_with_its_message() {
    let input = leaf(&[1.0]);
    let output = attach_backward(&input, input.detach(), |_| panic!("lost {} rows", 3));
    let error = output.f_backward().unwrap_err().to_string();
    assert!(error.contains("panicked: lost 3 rows"), "{error}");
}

#[test]
fn a_gradient_of_the_wrong_shape_is_an_error() {
    let input = leaf(&[1.0, 2.0]);
    let output = attach_backward(&input, input.detach(), |gradient| {
        Ok(gradient.narrow(0, 0, 1))
    });
    assert!(output.sum(Kind::Float).f_backward().is_err());
}

#[test]
fn nothing_is_attached_where_nothing_is_recorded() {
    let witness = Arc::new(());
    let keep = |witness: &Arc<()>| {
        let witness = witness.clone();
        move |gradient| {
            let _ = &witness;
            Ok(gradient)
        }
    };
    let constant = Tensor::from_slice(&[1.0f32]);
    assert!(!attach_backward(&constant, &constant * 2.0, keep(&witness)).requires_grad());
    let input = leaf(&[1.0]);
    assert!(!no_grad(|| attach_backward(&input, &input * 2.0, keep(&witness))).requires_grad());
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn the_closure_lives_as_long_as_the_graph() {
    let witness = Arc::new(());
    let held = witness.clone();
    let input = leaf(&[1.0]);
    let output = attach_backward(&input, input.detach(), move |gradient| {
        let _ = &held;
        Ok(gradient)
    });
    assert_eq!(Arc::strong_count(&witness), 2);
    drop(output);
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn second_derivatives_are_refused() {
    let input = leaf(&[1.0]);
    let output = attach_backward(&input, input.detach(), Ok);
    let error = Tensor::f_run_backward(&[output], &[input], true, true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("second derivative"), "{error}");
}
