//! A parameter that is no layer of its own.

use super::leaf::{Slot, leaf};
use crate::module::{Initial, Param};

#[cfg(feature = "torch")]
use {crate::Result, crate::dtensor::DTensor, tch::Tensor};

/// A bare parameter under its own name, as `torch.nn.Parameter`; every rank holds it whole.
pub struct Parameter {
    param: Param,
    slot: Slot,
}

impl Parameter {
    /// A parameter of the given shape, which training starts at zero.
    pub fn zeros(shape: &[i64]) -> Self {
        Self {
            param: Param::new(shape).initial(Initial::Zeros),
            slot: Slot::default(),
        }
    }
}

leaf!(Parameter, Parameter, |this| vec![("", &this.param)]);

#[cfg(feature = "torch")]
impl Parameter {
    /// The parameter, for work on `activations`: where ranks hold shares of those, the backward sums
    /// their terms of its gradient.
    ///
    /// # Errors
    /// When no plan was applied to the model.
    pub fn read(&self, activations: &DTensor) -> Result<Tensor> {
        Ok(self
            .slot
            .get()?
            .replicated(&self.param, activations.placement()))
    }
}
