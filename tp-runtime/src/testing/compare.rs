//! Closeness of tensors, with a message that says where they part.

use tch::{Device, Kind, Tensor};

/// How far two tensors may be apart: an absolute bound, and one relative to the largest reference element.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Allowed anywhere.
    pub absolute: f64,
    /// Allowed per unit of the largest magnitude in the reference.
    pub relative: f64,
}

impl Tolerance {
    /// What f32 arithmetic in another order may differ by.
    pub const F32: Self = Self {
        absolute: 1e-6,
        relative: 1e-5,
    };

    /// What bf16 activations may differ by.
    pub const BF16: Self = Self {
        absolute: 1e-2,
        relative: 3e-2,
    };
}

/// Panics unless `actual` is close to `reference`.
///
/// # Panics
/// Then, naming the tensor, the element that is furthest off, and both values.
pub fn assert_close(name: &str, actual: &Tensor, reference: &Tensor, tolerance: Tolerance) {
    if let Some(difference) = difference(actual, reference, tolerance) {
        panic!("{name}: {difference}");
    }
}

/// Where two tensors part, unless they are close.
pub(super) fn difference(
    actual: &Tensor,
    reference: &Tensor,
    tolerance: Tolerance,
) -> Option<String> {
    let (found, wanted) = (actual.size(), reference.size());
    if found != wanted {
        return Some(format!("the shape is {found:?} and should be {wanted:?}"));
    }
    let flat = |tensor: &Tensor| {
        let tensor = tensor.to_device(Device::Cpu).to_kind(Kind::Double);
        tensor.reshape([-1])
    };
    let (actual, reference) = (flat(actual), flat(reference));
    if reference.numel() == 0 {
        return None;
    }
    let difference = (&actual - &reference).abs();
    let worst = difference.max().double_value(&[]);
    let scale = reference.abs().max().double_value(&[]);
    let allowed = tolerance.absolute + tolerance.relative * scale;
    // Written so that NaN fails.
    if worst <= allowed {
        return None;
    }
    let at = difference.argmax(0, false).int64_value(&[]);
    let (found, wanted) = (actual.double_value(&[at]), reference.double_value(&[at]));
    Some(format!(
        "element {at} is {found} and should be {wanted}; off by {worst:.2e} where {allowed:.2e} is allowed"
    ))
}
