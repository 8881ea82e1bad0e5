//! What is to be explained: how many ranks, which column, how large a batch.

use std::fmt;
use std::num::NonZeroUsize;

use super::ExplainError;
use crate::module::NamedParam;
use crate::plan::Mode;

/// Bytes of a parameter that is trained: in 16 bits, with its gradient, its master and two moments in 32.
const TRAINED: f64 = 18.0;

/// How a model would be run.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How many tensor-parallel ranks.
    pub degree: NonZeroUsize,
    /// The column of the plan.
    pub mode: Mode,
    /// Sequences in a batch.
    pub batch: u64,
    /// Tokens in each.
    pub sequence: u64,
    /// The type of parameters and activations.
    pub dtype: Dtype,
}

/// The type that parameters and activations are held in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32-bit floats.
    F32,
    /// 16-bit floats with the exponent of 32-bit ones.
    Bf16,
}

impl Setup {
    /// Whether all bytes of a model of these parameters can be counted in 64 bits.
    ///
    /// # Errors
    /// When they cannot.
    pub(super) fn check_size(&self, parameters: &[NamedParam<'_>]) -> Result<(), ExplainError> {
        let shapes = || parameters.iter().map(|named| named.param.shape());
        let product = |shape: &[i64]| shape.iter().map(|&length| length as f64).product::<f64>();
        let weights: f64 = shapes().map(product).sum();
        let widest = shapes()
            .flatten()
            .max()
            .map_or(0.0, |&length| length as f64);
        let tokens = self.batch as f64 * self.sequence as f64;
        // Of each activation more than is ever kept, summed and gathered, forward and backward.
        let activations = 16.0 * tokens * widest * parameters.len() as f64;
        let bytes = weights * TRAINED + activations * self.dtype.bytes() as f64;
        if bytes < i64::MAX as f64 {
            return Ok(());
        }
        Err(ExplainError::TooLarge {
            parameters: weights,
            batch: self.batch,
            sequence: self.sequence,
        })
    }
}

impl Dtype {
    /// Bytes of one element.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// Bytes of a tensor of this shape.
    pub(super) fn tensor_bytes(self, shape: &[i64]) -> u64 {
        shape.iter().product::<i64>() as u64 * self.bytes()
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}
