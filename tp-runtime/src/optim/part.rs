//! What an optimizer updates.

use tch::Tensor;

use crate::Result;
use crate::module::Param;

/// Elements that are updated together: a parameter of this rank, or a run of its elements.
pub struct Part {
    value: Tensor,
    /// `None` where it is found at the value, as autograd leaves it.
    gradient: Option<Tensor>,
    is_matrix: bool,
}

impl Part {
    /// A whole local parameter, with the gradient that autograd gives it.
    pub fn of(param: &Param) -> Self {
        Self {
            value: param.local(),
            gradient: None,
            is_matrix: param.shape().len() > 1,
        }
    }

    /// A run of elements of `param` with their gradients, which are found at the same place at every step.
    ///
    /// # Shapes
    /// `value` and `gradient` have the same.
    pub fn run(param: &Param, value: Tensor, gradient: Tensor) -> Self {
        Self {
            value,
            gradient: Some(gradient),
            is_matrix: param.shape().len() > 1,
        }
    }

    /// The elements, which the optimizer changes in place.
    pub fn value(&self) -> &Tensor {
        &self.value
    }

    /// Their gradient; `None` where the loss does not depend on them.
    ///
    /// # Errors
    /// When libtorch cannot give it.
    pub fn gradient(&self) -> Result<Option<Tensor>> {
        let gradient = match &self.gradient {
            Some(gradient) => gradient.shallow_clone(),
            None => self.value.f_grad()?,
        };
        Ok(gradient.defined().then_some(gradient))
    }

    /// Whether the parameter has two dimensions or more: it is no norm's and no bias.
    pub fn is_matrix(&self) -> bool {
        self.is_matrix
    }
}
