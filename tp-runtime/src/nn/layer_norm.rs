//! Normalization over the features to mean zero and variance one.

use crate::leaf;
use crate::module::{Initial, ParallelContext, Param};
use tp_plan::ModuleKind;

#[cfg(feature = "torch")]
use {crate::Result, crate::dtensor::DTensor};

/// Layer normalization with scale and shift (Ba et al. 2016), as `torch.nn.LayerNorm`.
pub struct LayerNorm {
    /// `[width]`
    weight: Param,
    /// `[width]`
    bias: Param,
    epsilon: f64,
    context: ParallelContext,
}

impl LayerNorm {
    /// A norm over the last `width` features.
    pub fn new(width: i64, epsilon: f64) -> Self {
        Self {
            weight: Param::new(&[width]).initial(Initial::Ones),
            bias: Param::new(&[width]).initial(Initial::Zeros),
            epsilon,
            context: ParallelContext::default(),
        }
    }
}

leaf!(LayerNorm, ModuleKind::Norm, [weight, bias]);

#[cfg(feature = "torch")]
impl LayerNorm {
    /// Normalizes the last dimension.
    ///
    /// # Shapes
    /// `[.., width]` → `[.., width]`
    ///
    /// # Errors
    /// When the input is placed otherwise than the row says, naming both sides, or a collective fails.
    pub fn forward(&self, input: &DTensor) -> Result<DTensor> {
        self.context.forward(input, |pass| {
            let (weight, bias) = (pass.parameter(&self.weight)?, pass.parameter(&self.bias)?);
            let normalized = pass.input().f_layer_norm(
                self.weight.shape(),
                Some(weight),
                Some(bias),
                self.epsilon,
                true,
            )?;
            pass.give_shaped(normalized, input.shape())
        })
    }
}
