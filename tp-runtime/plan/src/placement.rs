//! How one tensor is placed on the ranks of a mesh dimension.

use std::fmt;

/// How a tensor is placed on the tensor-parallel ranks, as in PyTorch's `DTensor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// Every rank holds the whole tensor.
    Replicate,
    /// Each rank holds one chunk of the dimension; negative counts from the last.
    Shard(i64),
    /// Every rank holds a term of a sum that is still to be taken.
    Partial,
}

impl Placement {
    /// Whether two placements are the same, at compile time.
    pub const fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Replicate, Self::Replicate) | (Self::Partial, Self::Partial) => true,
            (Self::Shard(a), Self::Shard(b)) => a == b,
            _ => false,
        }
    }

    /// The same placement with a non-negative dimension, for a tensor of `rank` dimensions.
    pub const fn normalized(self, rank: usize) -> Self {
        match self {
            Self::Shard(dim) if dim < 0 => Self::Shard(dim + rank as i64),
            other => other,
        }
    }
}

impl Placement {
    /// The placement in a message that rustc prints, a split over features as `Shard(-1)`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Replicate => "Replicate",
            Self::Shard(1) => "Shard(1)",
            Self::Shard(-1 | 2) => "Shard(-1)",
            Self::Shard(_) => "Shard",
            Self::Partial => "Partial",
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replicate => f.write_str("Replicate"),
            Self::Shard(dim) => write!(f, "Shard({dim})"),
            Self::Partial => f.write_str("Partial"),
        }
    }
}
