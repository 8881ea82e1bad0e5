//! libtorch's fused AdamW: an element is updated alike wherever it stands in its tensor.

use tch::{Device, Kind, Tensor};
use tp_dist::kernels::FusedAdamW;

const LENGTH: i64 = 400;

/// Numbers that are no sums of few powers of two.
fn values(seed: f64) -> Tensor {
    (Tensor::arange(LENGTH, (Kind::Float, Device::Cpu)) * 0.37 + seed).sin()
}

/// The first parameters after three steps.
fn updated(length: i64) -> Result<Tensor, tch::TchError> {
    let own = |tensor: Tensor| tensor.narrow(0, 0, length).copy();
    // From zero, so that no update is lost in a larger number.
    let zeros = || Tensor::zeros([length], (Kind::Float, Device::Cpu));
    let (param, mean, square) = (zeros(), zeros(), zeros());
    let step = Tensor::zeros([], (Kind::Float, Device::Cpu));
    for seed in [2.0, 3.0, 5.0] {
        let mut update = FusedAdamW::default();
        let gradient = own(values(seed));
        update.push(param.shallow_clone(), gradient, &mean, &square, &step)?;
        update.run(1e-2, 0.9, 0.999, 1e-2, 1e-8)?;
    }
    assert_eq!(step.double_value(&[]), 3.0);
    Ok(param)
}

#[test]
fn an_element_is_rounded_alike_wherever_it_stands() -> Result<(), tch::TchError> {
    let whole = updated(LENGTH)?;
    for length in 1..LENGTH {
        assert_eq!(
            updated(length)?,
            whole.narrow(0, 0, length),
            "the first {length}"
        );
    }
    Ok(())
}
