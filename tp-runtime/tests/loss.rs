//! Loss parallel against libtorch's own cross entropy, where numbers are extreme.
#![cfg(feature = "torch")]

use std::rc::Rc;

use tch::{Reduction, Tensor};
use tp_runtime::Result;
use tp_runtime::comm::{Launch, RankContext, launch};
use tp_runtime::dtensor::DTensor;
use tp_runtime::loss::{IGNORED_LABEL, cross_entropy};
use tp_runtime::plan::{Placement, chunk};

const LOGITS: [[f32; 5]; 3] = [
    [f32::NEG_INFINITY, 1.0, 2.0, f32::NEG_INFINITY, 4.0],
    [300.0, -300.0, 0.0, 1.0, 2.0],
    [1.0, 2.0, 3.0, 4.0, 5.0],
];

fn logits() -> Tensor {
    Tensor::from_slice(LOGITS.as_flattened()).view([1, 3, 5])
}

fn labels() -> Tensor {
    Tensor::from_slice(&[4, 1, IGNORED_LABEL]).view([1, 3])
}

/// The loss and the gradient of the logits.
fn reference() -> Result<(f64, Vec<f32>)> {
    let logits = logits().set_requires_grad(true);
    let loss = logits.view([3, 5]).cross_entropy_loss::<Tensor>(
        &labels().view([3]),
        None,
        Reduction::Mean,
        IGNORED_LABEL,
        0.0,
    );
    loss.f_backward()?;
    Ok((
        f64::try_from(&loss)?,
        Vec::try_from(logits.grad().view([15]))?,
    ))
}

fn on_a_rank(context: &RankContext) -> Result<(f64, Vec<f32>)> {
    let group = &context.world;
    let own = chunk(5, group.rank(), group.size());
    let part = logits().narrow(2, own.start, own.end - own.start).copy();
    let part = part.set_requires_grad(true);
    let placed = DTensor::from_local(
        &part * 1.0,
        Placement::Shard(2),
        &[1, 3, 5],
        group,
        &Rc::from("x"),
    )?;
    let loss = cross_entropy(&placed, &labels())?;
    loss.f_backward()?;
    let gradient = group.all_gather(&part.grad(), 2, 5, "the gradient")?;
    Ok((f64::try_from(&loss)?, Vec::try_from(gradient.view([15]))?))
}

#[test]
fn impossible_tokens_and_ignored_labels() {
    // Five tokens over four ranks leave one without a token.
    for degree in [1, 2, 4] {
        let run = |context: RankContext| -> Result<()> {
            let ((loss, gradient), (wanted, wanted_gradient)) =
                (on_a_rank(&context)?, reference()?);
            assert!((loss - wanted).abs() < 1e-4, "{loss} should be {wanted}");
            let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(
                gradient.iter().zip(&wanted_gradient).all(close),
                "{gradient:?} should be {wanted_gradient:?}"
            );
            Ok(())
        };
        if let Err(error) = launch(&Launch::new(degree), run) {
            panic!("{degree} ranks: {error}");
        }
    }
}
