//! Rotary position tables, and the rotation of queries and keys.

use super::leaf::{Slot, leaf};
use super::rope::inverse_frequencies;
use crate::config::{ConfigError, RopeParameters};

#[cfg(feature = "torch")]
use {
    crate::dtensor::DTensor,
    crate::ffi,
    tch::{Device, Kind, Tensor},
};

/// The module that turns positions into angles (`LlamaRotaryEmbedding`); it has no parameters.
pub struct RotaryEmbedding {
    inverse_frequencies: Vec<f32>,
    slot: Slot,
}

impl RotaryEmbedding {
    /// Tables for heads of `head_dim` features.
    ///
    /// # Errors
    /// For a scaling that is not implemented.
    pub fn new(head_dim: i64, parameters: &RopeParameters) -> Result<Self, ConfigError> {
        let inverse_frequencies = inverse_frequencies(parameters, head_dim)?;
        Ok(Self {
            inverse_frequencies,
            slot: Slot::default(),
        })
    }
}

leaf!(RotaryEmbedding, Rotary, |_this| Vec::new());

/// Cosines and sines of a run of positions.
///
/// Shapes: `[sequence, 1, head_dim]`, broadcast over batch and heads.
#[cfg(feature = "torch")]
pub struct RotaryTables {
    cos: Tensor,
    /// The sines of the first half negated, so that both halves add.
    sin: Tensor,
}

#[cfg(feature = "torch")]
impl RotaryEmbedding {
    /// The tables of `length` positions from `start` on, in the kind of the activations.
    pub fn forward(&self, start: i64, length: i64, kind: Kind, device: Device) -> RotaryTables {
        tch::no_grad(|| {
            let frequencies = Tensor::from_slice(&self.inverse_frequencies).to_device(device);
            let positions = Tensor::arange_start(start, start + length, (Kind::Float, device));
            let angles = positions.outer(&frequencies).unsqueeze(1);
            let (cos, sin) = (angles.cos(), angles.sin());
            RotaryTables {
                cos: Tensor::cat(&[&cos, &cos], -1).to_kind(kind),
                sin: Tensor::cat(&[&sin.neg(), &sin], -1).to_kind(kind),
            }
        })
    }
}

#[cfg(feature = "torch")]
impl RotaryTables {
    /// Rotates each pair of features (`i`, `i + head_dim / 2`) by its angle.
    ///
    /// # Shapes
    /// `[batch, sequence, heads, head_dim]` → the same
    ///
    /// # Errors
    /// When the tensor is `Partial`, or split over the sequence, whose positions the tables count.
    pub fn rotate(&self, heads: &DTensor) -> crate::Result<DTensor> {
        heads.refuse_sequence("a rotation")?;
        heads.map("a rotation", heads.shape(), |local| {
            let rotated = tch::no_grad(|| rotate(&local, &self.cos, &self.sin));
            // The transpose of a rotation turns the other way.
            let (cos, back) = (self.cos.shallow_clone(), self.sin.neg());
            ffi::attach_backward(&local, rotated, move |gradient| {
                Ok(rotate(&gradient, &cos, &back))
            })
        })
    }
}

#[cfg(feature = "torch")]
fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Tensor {
    let half = x.size().last().copied().unwrap_or_default() / 2;
    let rotated = x * cos;
    for (to, from) in [(0, half), (half, 0)] {
        let _ = rotated
            .narrow(-1, to, half)
            .addcmul_(&x.narrow(-1, from, half), &sin.narrow(-1, to, half));
    }
    rotated
}
