//! Normalization over the features to mean zero and variance one.

use super::leaf::{Slot, leaf};
use crate::module::{Initial, Param};

#[cfg(feature = "torch")]
use {super::norm, crate::Result, crate::dtensor::DTensor};

/// Layer normalization with scale and shift (Ba et al. 2016), as `torch.nn.LayerNorm`.
pub struct LayerNorm {
    /// `[width]`
    weight: Param,
    /// `[width]`
    bias: Param,
    epsilon: f64,
    slot: Slot,
}

impl LayerNorm {
    /// A norm over the last `width` features.
    pub fn new(width: i64, epsilon: f64) -> Self {
        Self {
            weight: Param::new(&[width]).initial(Initial::Ones),
            bias: Param::new(&[width]).initial(Initial::Zeros),
            epsilon,
            slot: Slot::default(),
        }
    }
}

leaf!(LayerNorm, Norm, |this| vec![
    ("weight", &this.weight),
    ("bias", &this.bias)
]);

#[cfg(feature = "torch")]
impl LayerNorm {
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
            let weight = placed.replicated(&self.weight, activations);
            let bias = placed.replicated(&self.bias, activations);
            local.layer_norm(
                self.weight.shape(),
                Some(weight),
                Some(bias),
                self.epsilon,
                true,
            )
        })
    }
}
