//! A collective as one rank asks for it.

use std::fmt;

/// How an all-reduce combines the ranks' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceOp {
    /// Adds them; the `local` backend adds 16-bit floats in 32 bits.
    Sum,
    /// Keeps the largest; NaN wins over every number.
    Max,
}

/// A collective with what every rank must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collective {
    AllReduce(ReduceOp),
    AllGather { dim: i64, length: i64 },
    ReduceScatter { dim: i64 },
    Broadcast { source: usize },
    Barrier,
}

impl Collective {
    /// The name in messages and counters.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AllReduce(_) => "all_reduce",
            Self::AllGather { .. } => "all_gather",
            Self::ReduceScatter { .. } => "reduce_scatter",
            Self::Broadcast { .. } => "broadcast",
            Self::Barrier => "barrier",
        }
    }
}

impl fmt::Display for Collective {
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

/// A collective and what it is for.
pub(super) struct Call {
    pub(super) collective: Collective,
    pub(super) site: String,
}

impl Call {
    /// Where `rank` is while it takes part.
    pub(super) fn place(&self, rank: usize) -> super::Place {
        super::Place {
            rank,
            collective: self.collective.name(),
            site: self.site.clone(),
        }
    }
}
