//! Root-mean-square normalization over the features.

use super::leaf::{Slot, leaf};
use crate::module::{Initial, Param};

#[cfg(feature = "torch")]
use {
    super::norm,
    crate::Result,
    crate::dtensor::DTensor,
    tch::{Kind, Tensor},
};

/// Root-mean-square normalization in f32, scaled by a weight (Zhang and Sennrich 2019; `LlamaRMSNorm`).
pub struct RmsNorm {
    /// `[width]`
    weight: Param,
    epsilon: f64,
    offset: Offset,
    slot: Slot,
}

/// What is added to the weight.
enum Offset {
    Zero,
    One,
}

impl RmsNorm {
    /// A norm over the last `width` features.
    pub fn new(width: i64, epsilon: f64) -> Self {
        Self {
            weight: Param::new(&[width]).initial(Initial::Ones),
            epsilon,
            offset: Offset::Zero,
            slot: Slot::default(),
        }
    }

    /// A norm whose scale is `1 + weight`, applied in f32 (`Gemma3RMSNorm`).
    pub fn one_plus(width: i64, epsilon: f64) -> Self {
        Self {
            weight: Param::new(&[width]).initial(Initial::Zeros),
            offset: Offset::One,
            ..Self::new(width, epsilon)
        }
    }
}

leaf!(RmsNorm, Norm, |this| vec![("weight", &this.weight)]);

#[cfg(feature = "torch")]
impl RmsNorm {
    /// Normalizes the last dimension.
    ///
    /// # Shapes
    /// `[.., width]` → `[.., width]`
    ///
    /// # Errors
    /// When the input lies otherwise than the row says, naming both sides, or a collective fails.
    pub fn forward(&self, input: &DTensor) -> Result<DTensor> {
        let placed = self.slot.get()?;
        norm::forward(placed, input, |local, activations| {
            self.normalize(&local, &placed.replicated(&self.weight, activations))
        })
    }

    fn normalize(&self, input: &Tensor, weight: &Tensor) -> Tensor {
        let kind = input.kind();
        let x = input.to_kind(Kind::Float);
        let mean_square = x.square().mean_dim([-1i64].as_slice(), true, Kind::Float);
        let normalized: Tensor = x * (mean_square + self.epsilon).rsqrt();
        match self.offset {
            Offset::Zero => weight * normalized.to_kind(kind),
            Offset::One => (normalized * (weight.to_kind(Kind::Float) + 1.0)).to_kind(kind),
        }
    }
}
