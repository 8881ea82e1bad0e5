//! Backward functions written in Rust, as seen from `Tensor::backward`.

use std::convert::Infallible;
use std::sync::Arc;

use tch::{Kind, TchError, Tensor, no_grad};
use tp_dist::autograd::{backward, set_gradient, with_backward};

/// Attaches a backward that cannot fail.
fn attach(
    input: &Tensor,
    output: Tensor,
    backward: impl Fn(Tensor) -> Tensor + Send + 'static,
) -> Tensor {
    let backward = move |gradient| Ok::<_, Infallible>(backward(gradient));
    with_backward(input, output, backward).unwrap()
}

fn leaf(values: &[f32]) -> Tensor {
    Tensor::from_slice(values).set_requires_grad(true)
}

fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor).unwrap()
}

#[test]
fn identity_forward_scale_backward() {
    let input = leaf(&[1.0, 2.0]);
    let output = attach(&input, input.detach(), |gradient| gradient * 3.0);
    assert_eq!(values(&output), [1.0, 2.0]);
    (output * 2.0).sum(Kind::Float).backward();
    assert_eq!(values(&input.grad()), [6.0, 6.0]);
}

#[test]
fn the_output_may_be_the_input_itself() {
    let input = leaf(&[1.0]);
    let hidden = &input * 2.0;
    let output = attach(&hidden, hidden.shallow_clone(), |gradient| gradient * 5.0);
    output.backward();
    assert_eq!(values(&input.grad()), [10.0]);
}

#[test]
fn scale_forward_identity_backward() {
    let input = leaf(&[1.0, 2.0]);
    let output = attach(&input, no_grad(|| &input * 7.0), |gradient| gradient);
    output.sum(Kind::Float).backward();
    assert_eq!(values(&input.grad()), [1.0, 1.0]);
}

#[test]
fn shapes_may_differ_between_input_and_output() {
    let input = leaf(&[1.0, 2.0, 3.0]);
    let output = attach(&input, no_grad(|| input.narrow(0, 1, 1)), |gradient| {
        let zero = gradient.zeros_like();
        Tensor::cat(&[&zero, &gradient, &zero], 0)
    });
    output.sum(Kind::Float).backward();
    assert_eq!(values(&input.grad()), [0.0, 1.0, 0.0]);
}

#[test]
fn gradients_of_two_uses_of_one_input_add_up() {
    let input = leaf(&[1.0]);
    let once = attach(&input, input.detach(), |gradient| gradient * 2.0);
    let twice = attach(&input, input.detach(), |gradient| gradient * 3.0);
    (once + twice).backward();
    assert_eq!(values(&input.grad()), [5.0]);
}

#[test]
fn an_error_surfaces_with_its_message() {
    let input = leaf(&[1.0]);
    let output = with_backward(&input, input.detach(), |_| {
        Err("rank 1 left the all-reduce")
    });
    let error = output.unwrap().f_backward().unwrap_err().to_string();
    assert!(error.contains("rank 1 left the all-reduce"), "{error}");
}

#[test]
fn a_panic_surfaces_with_its_message() {
    let input = leaf(&[1.0]);
    let output = attach(&input, input.detach(), |_| panic!("lost {} rows", 3));
    let error = output.f_backward().unwrap_err().to_string();
    assert!(error.contains("panicked: lost 3 rows"), "{error}");
}

#[test]
fn a_gradient_of_the_wrong_shape_is_an_error() {
    // Autograd alone would refuse the first and sum the second.
    for shape in [&[1][..], &[4, 2]] {
        let input = leaf(&[1.0, 2.0]);
        let output = attach(&input, input.detach(), move |gradient| {
            Tensor::ones(shape, (Kind::Float, gradient.device()))
        });
        let error = output.sum(Kind::Float).f_backward().unwrap_err();
        let expected = format!("a gradient of shape {shape:?} for an input of shape [2]");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn an_output_without_gradient_is_an_error() {
    let input = leaf(&[1.0]);
    let output = Tensor::from_slice(&[1_i64]);
    let error = with_backward(&input, output, Ok::<_, TchError>).unwrap_err();
    assert!(error.to_string().contains("of kind Int64"), "{error}");
}

#[test]
fn nothing_is_attached_where_nothing_is_recorded() {
    let witness = Arc::new(());
    let keep = |witness: &Arc<()>| {
        let witness = witness.clone();
        move |gradient| {
            let _ = &witness;
            gradient
        }
    };
    let constant = Tensor::from_slice(&[1.0f32]);
    assert!(!attach(&constant, &constant * 2.0, keep(&witness)).requires_grad());
    let input = leaf(&[1.0]);
    assert!(!no_grad(|| attach(&input, &input * 2.0, keep(&witness))).requires_grad());
    assert_eq!(Arc::strong_count(&witness), 1);
}

/// An output whose backward holds a witness.
fn witnessed(input: &Tensor) -> (Tensor, Arc<()>) {
    let witness = Arc::new(());
    let held = witness.clone();
    let output = attach(input, input.detach(), move |gradient| {
        let _ = &held;
        gradient
    });
    assert_eq!(Arc::strong_count(&witness), 2);
    (output, witness)
}

#[test]
fn the_closure_lives_as_long_as_the_graph() {
    let (output, witness) = witnessed(&leaf(&[1.0]));
    drop(output);
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn backward_releases_the_closure_unless_it_keeps_the_graph() {
    let input = leaf(&[1.0]);
    let (output, witness) = witnessed(&input);
    Tensor::run_backward(&[&output], &[&input], true, false);
    assert_eq!(Arc::strong_count(&witness), 2);
    output.backward();
    assert_eq!(Arc::strong_count(&witness), 1);
    let error = output.f_backward().unwrap_err().to_string();
    assert!(error.contains("a second time"), "{error}");
}

#[test]
fn second_derivatives_are_refused() {
    let input = leaf(&[1.0]);
    let output = attach(&input, input.detach(), |gradient| gradient);
    let error = Tensor::f_run_backward(&[output], &[input], true, true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("second derivative"), "{error}");
}

#[test]
fn gradients_are_added_into_a_buffer_of_another_kind() {
    let weight = leaf(&[1.0, 2.0])
        .to_kind(Kind::BFloat16)
        .detach()
        .set_requires_grad(true);
    let buffer = Tensor::zeros([5], (Kind::Float, tch::Device::Cpu));
    set_gradient(&weight, &buffer.narrow(0, 2, 2)).unwrap();
    for _ in 0..2 {
        (&weight * 3.0).sum(Kind::BFloat16).backward();
    }
    assert_eq!(values(&buffer), [0.0, 0.0, 6.0, 6.0, 0.0]);
    let _ = buffer.narrow(0, 2, 2).fill_(0.0078125);
    (&weight * 3.0).sum(Kind::BFloat16).backward();
    assert_eq!(values(&buffer), [0.0, 0.0, 3.0078125, 3.0078125, 0.0]);
}

#[test]
fn a_backward_function_may_go_back_through_another_graph() {
    let weight = leaf(&[5.0]);
    let input = leaf(&[2.0]);
    let output = no_grad(|| &input * &weight);
    let (inner, again) = (input.detach(), weight.shallow_clone());
    let output = attach(&input, output, move |gradient| {
        let input = inner.detach().set_requires_grad(true);
        let output = tch::with_grad(|| &input * &again);
        backward(&output, &gradient).unwrap();
        input.grad()
    });
    (output * 3.0).backward();
    assert_eq!(
        (values(&input.grad()), values(&weight.grad())),
        (vec![15.0], vec![6.0])
    );
}
