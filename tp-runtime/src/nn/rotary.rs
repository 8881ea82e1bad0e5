//! Rotary position tables, and the rotation of queries and keys.

use std::borrow::Cow;

use super::rope::Frequencies;
use crate::config::{ConfigError, RopeParameters};
use crate::leaf;
use crate::module::ParallelContext;
use tp_plan::ModuleKind;

#[cfg(feature = "torch")]
use {
    super::Positions,
    crate::autograd::with_backward,
    crate::comm::{kernels, upload},
    crate::dtensor::DTensor,
    std::cell::RefCell,
    tch::{Device, Kind, TchError, Tensor},
};

/// The module that turns positions into angles (`LlamaRotaryEmbedding`); it has no parameters.
pub struct RotaryEmbedding {
    frequencies: Frequencies,
    /// Frequencies on devices, by where they are in `frequencies`.
    #[cfg(feature = "torch")]
    uploaded: RefCell<Vec<(*const f32, Tensor)>>,
    context: ParallelContext,
}

impl RotaryEmbedding {
    /// Tables for heads of `head_dim` features, of which the config may leave a part unrotated.
    ///
    /// # Errors
    /// When the config's numbers do not belong to heads of this size.
    pub fn new(head_dim: i64, parameters: &RopeParameters) -> Result<Self, ConfigError> {
        let width = (head_dim as f64 * parameters.partial_rotary_factor) as i64;
        if !(2..=head_dim).contains(&width) || width % 2 != 0 {
            let reason = format!(
                "`partial_rotary_factor` rotates {width} of the {head_dim} features of a head: it has to be an even number of them"
            );
            return Err(ConfigError::Unsupported { reason });
        }
        Ok(Self {
            frequencies: Frequencies::new(parameters, width)?,
            #[cfg(feature = "torch")]
            uploaded: RefCell::default(),
            context: ParallelContext::default(),
        })
    }

    /// The angle per position of each rotated pair of features in a text of `length` positions, and what cosines and
    /// sines are multiplied by.
    pub fn frequencies(&self, length: i64) -> (Cow<'_, [f32]>, f64) {
        let frequencies = &self.frequencies;
        (frequencies.for_length(length), frequencies.attention_factor)
    }

    /// Whether other frequencies hold in a text of `longer` positions than in one of `length`.
    pub fn changes_between(&self, length: i64, longer: i64) -> bool {
        self.frequencies.change_between(length, longer)
    }
}

leaf!(RotaryEmbedding, ModuleKind::Rotary, []);

/// Cosines and sines of a run of positions.
///
/// Shapes: `[sequence, 1, width]`, broadcast over batch and heads, or `[batch, sequence, 1, width]`.
#[cfg(feature = "torch")]
pub struct RotaryTables {
    cos: Tensor,
    /// The sines of the first half negated, so that both halves add.
    sin: Tensor,
}

#[cfg(feature = "torch")]
impl RotaryEmbedding {
    /// The tables of these positions, in the kind of the activations.
    ///
    /// # Errors
    /// When libtorch cannot allocate them.
    pub fn forward(&self, positions: &Positions) -> crate::Result<RotaryTables> {
        tch::no_grad(|| {
            let length = match self.frequencies.go_by_length() {
                true => positions.longest()?,
                false => positions.end(),
            };
            let (frequencies, factor) = self.frequencies(length);
            let frequencies = self.uploaded(frequencies, positions.device())?;
            let angles = positions.places()?.f_unsqueeze(-1)?.f_mul(&frequencies)?;
            RotaryTables::new(&angles, factor, positions.kind())
        })
    }
}

#[cfg(feature = "torch")]
impl RotaryEmbedding {
    /// Frequencies on a device, where those that stay the same are kept.
    fn uploaded(&self, frequencies: Cow<'_, [f32]>, device: Device) -> Result<Tensor, TchError> {
        let kept = match frequencies {
            Cow::Borrowed(kept) => kept.as_ptr(),
            Cow::Owned(passing) => return upload(&Tensor::f_from_slice(&passing)?, device),
        };
        let mut known = self.uploaded.borrow_mut();
        let one = |(at, tensor): &&(*const f32, Tensor)| *at == kept && tensor.device() == device;
        if let Some((_, tensor)) = known.iter().find(one) {
            return Ok(tensor.shallow_clone());
        }
        let tensor = upload(&Tensor::f_from_slice(&frequencies)?, device)?;
        known.push((kept, tensor.shallow_clone()));
        Ok(tensor)
    }
}

#[cfg(feature = "torch")]
impl RotaryTables {
    /// The tables of given angles, cosines and sines multiplied by `factor`.
    ///
    /// # Shapes
    /// angles `[sequence, width / 2]` or `[batch, sequence, width / 2]`
    ///
    /// # Errors
    /// When libtorch cannot allocate them.
    pub fn new(angles: &Tensor, factor: f64, kind: Kind) -> crate::Result<Self> {
        let angles = angles.f_unsqueeze(-2)?;
        let cos = angles.f_cos()?.f_mul_scalar(factor)?;
        let sin = angles.f_sin()?.f_mul_scalar(factor)?;
        Ok(Self {
            cos: Tensor::f_cat(&[&cos, &cos], -1)?.f_to_kind(kind)?,
            sin: Tensor::f_cat(&[&sin.f_neg()?, &sin], -1)?.f_to_kind(kind)?,
        })
    }

    /// Rotates each pair of the first `width` features (`i`, `i + width / 2`) by its angle.
    ///
    /// # Shapes
    /// `[batch, sequence, heads, head_dim]` → the same
    ///
    /// # Errors
    /// When the tensor is `Partial`, or split over the sequence, whose positions the tables count.
    pub fn rotate(&self, heads: &DTensor) -> crate::Result<DTensor> {
        heads.refuse_sequence("a rotation")?;
        heads.map("a rotation", heads.shape(), |local| {
            let rotated = tch::no_grad(|| rotate(&local, &self.cos, &self.sin))?;
            // The transpose of a rotation turns the other way.
            let (cos, back) = (self.cos.shallow_clone(), self.sin.f_neg()?);
            with_backward(&local, rotated, move |gradient| {
                rotate(&gradient, &cos, &back)
            })
        })
    }
}

#[cfg(feature = "torch")]
fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor, TchError> {
    if let Some(rotated) = kernels::rotate(x, cos, sin)? {
        return Ok(rotated);
    }
    let last = |tensor: &Tensor| tensor.size().last().copied().unwrap_or_default();
    let (width, half) = (last(cos), last(cos) / 2);
    let rotated = if width == last(x) {
        x.f_mul(cos)?
    } else {
        let copy = true; // the features beyond stay as they are
        let rotated = x.f_to_dtype(x.f_kind()?, false, copy)?;
        let _ = rotated.f_narrow(-1, 0, width)?.f_mul_(cos)?;
        rotated
    };
    for (to, from) in [(0, half), (half, 0)] {
        let _ = rotated
            .f_narrow(-1, to, half)?
            .f_addcmul_(&x.f_narrow(-1, from, half)?, &sin.f_narrow(-1, to, half)?)?;
    }
    Ok(rotated)
}
