//! Root-mean-square normalization over the features.

use crate::leaf;
use crate::module::{Initial, ParallelContext, Param};
use tp_plan::ModuleKind;

#[cfg(feature = "torch")]
use {
    crate::Result,
    crate::autograd::is_recorded,
    crate::comm::kernels::rms_norm,
    crate::dtensor::DTensor,
    tch::{Kind, TchError, Tensor},
};

/// Root-mean-square normalization in f32, scaled by a weight (Zhang and Sennrich 2019; `LlamaRMSNorm`).
pub struct RmsNorm {
    /// `[width]`
    weight: Param,
    epsilon: f64,
    offset: Offset,
    context: ParallelContext,
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
            context: ParallelContext::default(),
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

leaf!(RmsNorm, ModuleKind::Norm, [weight]);

#[cfg(feature = "torch")]
impl RmsNorm {
    /// Normalizes the last dimension.
    ///
    /// # Shapes
    /// `[.., width]` → `[.., width]`
    ///
    /// # Errors
    /// When the input is placed otherwise than the row says, naming both sides, or a collective fails.
    pub fn forward(&self, input: &DTensor) -> Result<DTensor> {
        self.context.forward(input, |pass| {
            let normalized = self.normalize(pass.input(), &pass.parameter(&self.weight)?)?;
            pass.give_shaped(normalized, input.shape())
        })
    }

    fn normalize(&self, input: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
        if !(is_recorded(input) || is_recorded(weight)) {
            let offset = match self.offset {
                Offset::Zero => 0.0,
                Offset::One => 1.0,
            };
            if let Some(normalized) = rms_norm(input, weight, self.epsilon, offset)? {
                return Ok(normalized);
            }
        }
        let kind = input.f_kind()?;
        let x = input.f_to_kind(Kind::Float)?;
        let mean_square = x
            .f_square()?
            .f_mean_dim([-1i64].as_slice(), true, Kind::Float)?;
        let normalized = x.f_mul(&mean_square.f_add_scalar(self.epsilon)?.f_rsqrt()?)?;
        match self.offset {
            Offset::Zero => weight.f_mul(&normalized.f_to_kind(kind)?),
            Offset::One => {
                let scale = weight.f_to_kind(Kind::Float)?.f_add_scalar(1.0)?;
                normalized.f_mul(&scale)?.f_to_kind(kind)
            }
        }
    }
}
