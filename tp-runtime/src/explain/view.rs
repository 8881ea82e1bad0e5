//! What is explained as one rank sees it: the one that holds most.

use super::Setup;
use crate::module::ShardedParam;
use crate::plan::{Division, HeadShares, Placement};

/// A setup, seen from a rank.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) setup: Setup,
    /// The rank.
    pub(super) rank: usize,
}

/// The last dimension of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features {
    /// How many there are.
    pub(super) count: i64,
    /// The heads they are made of, by which ranks divide them.
    pub(super) heads: Option<HeadShares>,
}

impl View {
    /// That of the rank whose parameters are most, the first of them.
    pub(super) fn of_fullest(setup: Setup, parameters: &[ShardedParam<'_>]) -> Self {
        let ranks = setup.degree.get();
        let held = |rank: &usize| -> i64 {
            let lengths = parameters.iter().map(|named| {
                let shape = named.param.shape();
                let local = named.sharding.local_shape(shape, *rank, ranks);
                local.iter().product::<i64>()
            });
            lengths.sum()
        };
        let fullest = (0..ranks).rev().max_by_key(held);
        let rank = fullest.unwrap_or(0);
        Self { setup, rank }
    }

    /// The number of ranks.
    pub(super) fn ranks(&self) -> usize {
        self.setup.degree.get()
    }

    /// Bytes of the rank's part of an activation with that placement, `[batch, sequence, features]`.
    pub(super) fn activation_bytes(&self, features: Features, placement: Placement) -> u64 {
        let own = |dim, division: Division| match placement {
            Placement::Shard(sharded) if sharded == dim => {
                division.range(self.rank, self.ranks()).count() as u64
            }
            _ => division.length as u64,
        };
        let Setup {
            batch,
            sequence,
            dtype,
            ..
        } = self.setup;
        let sequence = Division::whole(sequence as i64, None);
        let features = Division::whole(features.count, features.heads);
        batch * own(1, sequence) * own(2, features) * dtype.bytes()
    }
}

impl Features {
    /// Features that are no heads.
    pub(super) fn plain(count: i64) -> Self {
        let heads = None;
        Self { count, heads }
    }

    /// Those of a segment of a layer's output.
    pub(super) fn of(division: &Division) -> Self {
        Self {
            count: division.length,
            heads: division.heads,
        }
    }
}
