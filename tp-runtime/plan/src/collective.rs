//! The redistribution table: which collective turns one placement into another.

use std::fmt;

use crate::Placement;

/// A collective, or a local operation, that changes how a tensor is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collective {
    /// Nothing to do.
    Identity,
    /// Sums the terms; every rank gets the whole.
    AllReduce,
    /// Joins the chunks of a dimension; every rank gets the whole.
    AllGather(i64),
    /// Sums the terms; each rank gets its chunk of a dimension.
    ReduceScatter(i64),
    /// Each rank keeps its chunk of a dimension; no communication.
    Split(i64),
}

/// A redistribution with its backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redistribution {
    /// What the forward does to the tensor.
    pub forward: Collective,
    /// What the backward does to the gradient.
    pub backward: Collective,
}

/// No collective turns the first placement into the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCollective {
    /// What the tensor is.
    pub from: Placement,
    /// What it should become.
    pub to: Placement,
}

impl Collective {
    /// The dimension whose parts it joins or cuts.
    pub const fn dim(self) -> Option<i64> {
        match self {
            Self::Identity | Self::AllReduce => None,
            Self::AllGather(dim) | Self::ReduceScatter(dim) | Self::Split(dim) => Some(dim),
        }
    }

    /// The collective that turns a tensor placed `from` into one placed `to`.
    ///
    /// Dimensions must be normalized.
    ///
    /// # Errors
    /// For changes that need another algorithm (`Shard(a)` to `Shard(b)`) or make no sense
    /// (anything whole to `Partial`, which would count it once per rank).
    pub const fn between(from: Placement, to: Placement) -> Result<Self, NoCollective> {
        use Placement::{Partial, Replicate, Shard};
        match (from, to) {
            (Replicate, Replicate) | (Partial, Partial) => Ok(Self::Identity),
            (Shard(a), Shard(b)) if a == b => Ok(Self::Identity),
            (Partial, Replicate) => Ok(Self::AllReduce),
            (Partial, Shard(dim)) => Ok(Self::ReduceScatter(dim)),
            (Shard(dim), Replicate) => Ok(Self::AllGather(dim)),
            (Replicate, Shard(dim)) => Ok(Self::Split(dim)),
            (Shard(_), Shard(_) | Partial) | (Replicate, Partial) => Err(NoCollective { from, to }),
        }
    }

    /// Whether ranks exchange data.
    pub const fn communicates(self) -> bool {
        !matches!(self, Self::Identity | Self::Split(_))
    }
}

impl Redistribution {
    /// The same for a reader that wants the gradients alone: what would be communicated forward is left out.
    pub const fn unread(self) -> Self {
        let forward = match self.forward {
            Collective::AllReduce => Collective::Identity,
            Collective::ReduceScatter(dim) => Collective::Split(dim),
            other => other,
        };
        Self { forward, ..self }
    }

    /// The redistribution of a tensor `from` → `to` whose consumers give back a gradient placed `gradient`.
    ///
    /// `gradient` matters only when `to` is `Replicate`: consumers that compute the same thing on every
    /// rank give back the whole gradient (`Replicate`), those that compute a share of it a term (`Partial`).
    ///
    /// # Errors
    /// When either direction has no collective.
    pub const fn new(
        from: Placement,
        to: Placement,
        gradient: Placement,
    ) -> Result<Self, NoCollective> {
        let arriving = match to {
            Placement::Replicate => gradient,
            Placement::Shard(dim) => Placement::Shard(dim),
            Placement::Partial => Placement::Replicate,
        };
        // The gradient of a term of a sum is the gradient of the sum.
        let wanted = match from {
            Placement::Shard(dim) => Placement::Shard(dim),
            Placement::Replicate | Placement::Partial => Placement::Replicate,
        };
        let forward = match Collective::between(from, to) {
            Ok(forward) => forward,
            Err(error) => return Err(error),
        };
        match Collective::between(arriving, wanted) {
            Ok(backward) => Ok(Self { forward, backward }),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Collective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::AllReduce => "all_reduce",
            Self::AllGather(_) => "all_gather",
            Self::ReduceScatter(_) => "reduce_scatter",
            Self::Split(_) => "split",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Placement::{Partial, Replicate, Shard};

    #[test]
    fn the_four_pairs_of_tensor_parallelism() {
        let pair = |from, to, gradient| {
            let table = Redistribution::new(from, to, gradient).expect("in the table");
            (table.forward, table.backward)
        };
        use Collective::*;
        // Entering and leaving a column/row-parallel block.
        assert_eq!(pair(Replicate, Replicate, Partial), (Identity, AllReduce));
        assert_eq!(pair(Partial, Replicate, Replicate), (AllReduce, Identity));
        // The same with activations split over the sequence.
        assert_eq!(
            pair(Shard(1), Replicate, Partial),
            (AllGather(1), ReduceScatter(1))
        );
        assert_eq!(
            pair(Partial, Shard(1), Replicate),
            (ReduceScatter(1), AllGather(1))
        );
        // Around computation that every rank repeats.
        assert_eq!(
            pair(Shard(1), Replicate, Replicate),
            (AllGather(1), Split(1))
        );
        assert_eq!(
            pair(Replicate, Shard(1), Replicate),
            (Split(1), AllGather(1))
        );
    }

    #[test]
    fn a_whole_tensor_never_becomes_a_term() {
        assert!(Redistribution::new(Replicate, Partial, Replicate).is_err());
        assert!(Redistribution::new(Shard(1), Shard(2), Replicate).is_err());
    }
}
