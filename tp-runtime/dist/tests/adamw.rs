//! libtorch's fused AdamW: an element is updated alike wherever it stands in its tensor.

use tch::{Device, Kind, Tensor};
use tp_dist::FusedAdamW;

const LENGTH: i64 = 77;

/// Numbers that are no sums of few powers of two.
fn values(seed: f64) -> Tensor {
    (Tensor::arange(LENGTH, (Kind::Float, Device::Cpu)) * 0.37 + seed).sin()
}

/// The parameters from `start` on after two steps.
fn updated(start: i64) -> Result<Tensor, tch::TchError> {
    let own = |tensor: Tensor| tensor.narrow(0, start, LENGTH - start).copy();
    let param = own(values(1.0));
    let (mean, square) = (param.zeros_like(), param.zeros_like());
    let step = Tensor::zeros([], (Kind::Float, Device::Cpu));
    for seed in [2.0, 3.0] {
        let mut update = FusedAdamW::default();
        let gradient = own(values(seed));
        update.push(param.shallow_clone(), gradient, &mean, &square, &step)?;
        update.run(1e-2, 0.9, 0.999, 1e-2, 1e-8)?;
    }
    assert_eq!(step.double_value(&[]), 2.0);
    Ok(param)
}

#[test]
fn an_element_is_rounded_alike_wherever_it_stands() -> Result<(), tch::TchError> {
    let whole = updated(0)?;
    for start in 0..LENGTH {
        assert_eq!(
            updated(start)?,
            whole.narrow(0, start, LENGTH - start),
            "from {start} on"
        );
    }
    Ok(())
}
