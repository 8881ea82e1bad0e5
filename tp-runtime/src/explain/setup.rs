//! What is to be explained: how many ranks, which column, how large a batch.

use std::fmt;
use std::num::NonZeroUsize;

use crate::plan::{Mode, Placement, chunk};

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
    /// Bytes of a whole activation of `features`, `[batch, sequence, features]`.
    pub(super) fn activation_bytes(&self, features: i64) -> u64 {
        self.rank_activation_bytes(features, Placement::Replicate)
    }

    /// Bytes of rank 0's part of an activation of `features` with that placement.
    pub(super) fn rank_activation_bytes(&self, features: i64, placement: Placement) -> u64 {
        let own = |dim, length: i64| match placement {
            Placement::Shard(sharded) if sharded == dim => {
                let range = chunk(length, 0, self.degree.get());
                (range.end - range.start) as u64
            }
            _ => length as u64,
        };
        self.batch * own(1, self.sequence as i64) * own(2, features) * self.dtype.bytes()
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
