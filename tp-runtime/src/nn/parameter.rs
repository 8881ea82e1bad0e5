//! A parameter that is no layer of its own.

use crate::leaf;
use crate::module::{Initial, ParallelContext, Param};
use tp_plan::ModuleKind;

#[cfg(feature = "torch")]
use {crate::Result, crate::dtensor::DTensor, tch::Tensor};

/// A bare parameter under its own name, as `torch.nn.Parameter`; every rank holds it whole.
pub struct Parameter {
    param: Param,
    context: ParallelContext,
}

impl Parameter {
    /// A parameter of the given shape, which training starts at zero.
    pub fn zeros(shape: &[i64]) -> Self {
        Self {
            param: Param::new(shape).initial(Initial::Zeros),
            context: ParallelContext::default(),
        }
    }
}

leaf!(Parameter, ModuleKind::Parameter, [param: ""]);

#[cfg(feature = "torch")]
impl Parameter {
    /// The parameter, for work on `activations`: where ranks hold shares of those, the backward sums
    /// their terms of its gradient.
    ///
    /// # Errors
    /// When no plan was applied to the model.
    pub fn read(&self, activations: &DTensor) -> Result<Tensor> {
        self.context.parameter(&self.param, activations.placement())
    }
}
