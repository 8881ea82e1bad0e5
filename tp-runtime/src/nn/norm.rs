//! Normalization over the features.

use super::leaf::{Slot, leaf};
use crate::module::Param;

#[cfg(feature = "torch")]
use {
    crate::Result,
    crate::dtensor::DTensor,
    crate::plan::StyleKind,
    tch::{Kind, Tensor},
};

/// Root-mean-square normalization in f32, scaled by a weight (Zhang and Sennrich 2019; `LlamaRMSNorm`).
pub struct RmsNorm {
    /// `[width]`
    weight: Param,
    epsilon: f64,
    slot: Slot,
}

impl RmsNorm {
    /// A norm over the last `width` features.
    pub fn new(width: i64, epsilon: f64) -> Self {
        Self {
            weight: Param::new(&[width]),
            epsilon,
            slot: Slot::default(),
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
        let (local, output) = match placed.style.map(|style| (style.kind, style)) {
            None => (placed.read_rows(input)?, input.placement()),
            Some((
                StyleKind::SequenceParallel | StyleKind::SequenceParallelAllGatherActivation,
                style,
            )) => (
                placed.read_chunk(input, style.input, style.input)?,
                style.output,
            ),
            Some((other, _)) => return Err(placed.unfit(other)),
        };
        let activations = match placed.style {
            Some(style) => style.input,
            None => input.placement(),
        };
        let weight = placed.replicated(&self.weight, activations);
        placed.give(
            self.normalize(&local, &weight),
            activations,
            input.shape(),
            output,
        )
    }

    fn normalize(&self, input: &Tensor, weight: &Tensor) -> Tensor {
        let kind = input.kind();
        let x = input.to_kind(Kind::Float);
        let mean_square = x.square().mean_dim([-1i64].as_slice(), true, Kind::Float);
        let normalized: Tensor = x * (mean_square + self.epsilon).rsqrt();
        weight * normalized.to_kind(kind)
    }
}
