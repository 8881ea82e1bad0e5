//! What an adapter of low rank adds to a layer's output.

use tch::Tensor;

use crate::Result;
use crate::comm::kernels::linear;
use crate::module::{ForwardPass, LowRank};

impl LowRank {
    /// This rank's part of the term, placed as the product with the layer's weight is: both are sent together.
    ///
    /// # Shapes
    /// `[.., in_features]` → `[.., out_features]`, as the layer's input is read
    pub(super) fn forward(&self, pass: &ForwardPass<'_>) -> Result<Tensor> {
        let input = pass.drop_input(self.dropout())?;
        let few = linear(&input, &pass.parameter(self.down())?, None)?;
        let few = few.f_mul_scalar(self.scale())?;
        Ok(linear(&few, &pass.parameter(self.up())?, None)?)
    }

    /// This rank's part of what it adds to the weight.
    ///
    /// # Shapes
    /// `[out_features, in_features]`, of which a rank has as much as of the weight
    pub(crate) fn weight(&self) -> Result<Tensor> {
        let (down, up) = (self.down().gathered()?, self.up().gathered()?);
        Ok(up.f_matmul(&down)?.f_mul_scalar(self.scale())?)
    }
}
