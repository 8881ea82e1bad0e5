//! Collectives in the backward pass.

mod ranks;

use ranks::{gloo, local, on_ranks, values};
use tch::{Kind, Tensor, no_grad};
use tp_dist::autograd::with_backward;
use tp_dist::{ProcessGroup, ReduceOp, Result};

/// The input, with a backward that sums its gradient over the ranks.
fn summed_backward(input: &Tensor, world: &ProcessGroup) -> Result<Tensor> {
    let world = world.clone();
    let output = with_backward(input, input.detach(), move |gradient| {
        world.all_reduce(gradient, ReduceOp::Sum, "backward")
    });
    Ok(output?)
}

fn leaf(values: &[f32]) -> Tensor {
    Tensor::from_slice(values).set_requires_grad(true)
}

#[test]
fn gradients_are_reduced() {
    for options in [local(2, 20), gloo(2, 20)] {
        on_ranks(&options, |rank| {
            let input = leaf(&[1.0]);
            let output = summed_backward(&input, &rank.world)?;
            (output * (rank.rank() as f64 + 1.0)).backward();
            assert_eq!(values(&input.grad()), [3.0]);
            Ok(())
        });
    }
}

#[test]
fn a_gradient_that_several_readers_get_is_not_reduced_in_place() {
    for options in [local(2, 20), gloo(2, 20)] {
        on_ranks(&options, |rank| {
            let (input, weight) = (leaf(&[1.0, 2.0]), Tensor::from_slice(&[3.0f32, 5.0]));
            let readers = [
                summed_backward(&input, &rank.world)?,
                summed_backward(&input, &rank.world)?,
                input.shallow_clone(),
            ];
            // An addition hands one tensor to all of its terms.
            let [a, b, c] = &readers;
            ((a + b + c) * &weight).sum(Kind::Float).backward();
            assert_eq!(values(&input.grad()), [5.0 * 3.0, 5.0 * 5.0]);
            Ok(())
        });
    }
}

#[test]
fn a_gradient_that_the_caller_keeps_is_not_reduced_in_place() {
    on_ranks(&local(2, 20), |rank| {
        let input = leaf(&[1.0]);
        let hidden = &input * 1.0;
        let output = summed_backward(&hidden, &rank.world)?;
        let kept = Tensor::from_slice(&[7.0f32]);
        // As `retain_grad` does, and a caller who gives a gradient of his own.
        let gradient = output.f_mul(&kept)?;
        let grads = Tensor::run_backward(&[&gradient], &[&output, &input], false, false);
        assert_eq!(
            (values(&grads[0]), values(&grads[1])),
            (vec![7.0], vec![14.0])
        );
        assert_eq!(no_grad(|| values(&kept)), [7.0]);
        Ok(())
    });
}
