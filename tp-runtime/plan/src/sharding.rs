//! How the ranks hold a parameter: each all of it, or each a part of one dimension.

use std::fmt;

use crate::Partition;
use crate::Placement;

/// How the tensor-parallel ranks hold a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharding {
    /// Every rank holds all of it.
    #[default]
    Replicated,
    /// The ranks divide a dimension.
    Split {
        /// The dimension.
        dim: usize,
        /// Who holds what of it.
        partition: Partition,
    },
}

impl Sharding {
    /// A parameter of this shape placed so, in torch's chunks where it is split.
    pub fn new(placement: Placement, shape: &[i64]) -> Self {
        match placement.normalized(shape.len()) {
            Placement::Shard(dim) => Self::Split {
                dim: dim as usize,
                partition: Partition::chunks(shape[dim as usize]),
            },
            Placement::Replicate | Placement::Partial => Self::Replicated,
        }
    }

    /// The placement, without who holds what.
    pub fn placement(&self) -> Placement {
        match self {
            Self::Replicated => Placement::Replicate,
            Self::Split { dim, .. } => Placement::Shard(*dim as i64),
        }
    }

    /// The dimension that is split, and how; `None` for a replicated parameter.
    pub fn split(&self) -> Option<(usize, &Partition)> {
        match self {
            Self::Replicated => None,
            Self::Split { dim, partition } => Some((*dim, partition)),
        }
    }

    /// The shape of `rank`'s part of a parameter of this `shape`.
    pub fn local_shape(&self, shape: &[i64], rank: usize, world_size: usize) -> Vec<i64> {
        let mut local = shape.to_vec();
        if let Some((dim, partition)) = self.split() {
            local[dim] = partition.length(rank, world_size);
        }
        local
    }
}

/// The placement, with the lengths of the segments where there are several.
impl fmt::Display for Sharding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.placement())?;
        match self.split().map(|(_, partition)| partition.divisions()) {
            Some(divisions) if divisions.len() > 1 => {
                let lengths = divisions.iter().map(|division| division.length.to_string());
                let lengths: Vec<String> = lengths.collect();
                write!(f, " in segments of {}", lengths.join(", "))
            }
            _ => Ok(()),
        }
    }
}
