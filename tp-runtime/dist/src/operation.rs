//! A collective as the ranks must agree on it.

use std::fmt;

/// How an all-reduce combines the ranks' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// Adds them; the `local` backend adds 16-bit floats in 32 bits.
    Sum,
    /// Keeps the largest; NaN wins over every number.
    Max,
}

/// A collective with what every rank must agree on. Dimensions are not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Every rank gets the combination of all tensors.
    AllReduce(ReduceOp),
    /// Every rank gets the chunks of all ranks joined along `dim`, which is `length` long then.
    AllGather {
        /// The dimension of which each rank has its [`chunk`](tp_plan::chunk).
        dim: i64,
        /// The length of all chunks together.
        length: i64,
    },
    /// Every rank gets its [`chunk`](tp_plan::chunk) of `dim` of the sum of all tensors.
    ReduceScatter {
        /// The dimension that is split.
        dim: i64,
    },
    /// Every rank gets the tensor of rank `source` of the group.
    Broadcast {
        /// The rank whose tensor it is.
        source: usize,
    },
    /// No rank goes on before all have come.
    Barrier,
}

impl Operation {
    /// The name in messages, such as `all_reduce`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllReduce(_) => "all_reduce",
            Self::AllGather { .. } => "all_gather",
            Self::ReduceScatter { .. } => "reduce_scatter",
            Self::Broadcast { .. } => "broadcast",
            Self::Barrier => "barrier",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::AllReduce(op) => write!(f, "({op:?})"),
            Self::AllGather { dim, length } => write!(f, "(dim {dim}, length {length})"),
            Self::ReduceScatter { dim } => write!(f, "(dim {dim})"),
            Self::Broadcast { source } => write!(f, "(from rank {source})"),
            Self::Barrier => Ok(()),
        }
    }
}
