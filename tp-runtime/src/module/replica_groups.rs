//! The ranks that hold the same heads, where ranks have to share them.

use std::ops::Range;

use super::Sharding;
use crate::Result;
use crate::comm::ProcessGroup;

/// Groups of neighbouring ranks, each made once for all parameters that they share.
pub(crate) struct ReplicaGroups {
    all: ProcessGroup,
    /// The ranks of each group, and the group if this rank is in it.
    groups: Vec<(Range<usize>, Option<ProcessGroup>)>,
}

/// Ranges of this rank's part of a split dimension, and the ranks that hold them too.
pub(crate) type Replica = (Vec<Range<i64>>, ProcessGroup);

impl ReplicaGroups {
    /// No groups yet, of neighbours among `all`.
    pub(crate) fn new(all: &ProcessGroup) -> Self {
        Self {
            all: all.clone(),
            groups: Vec::new(),
        }
    }

    /// What other ranks hold of this rank's part of a parameter, in an order in which no two ranks wait
    /// for each other. Every rank makes the call.
    ///
    /// # Errors
    /// When the ranks cannot connect.
    pub(crate) fn replicas(&mut self, sharding: &Sharding) -> Result<Vec<Replica>> {
        let Some((_, partition)) = sharding.split() else {
            return Ok(Vec::new());
        };
        let (own, ranks) = (self.all.rank(), self.all.size());
        // A group is made by all ranks, those outside it included.
        for holders in partition.holder_groups(ranks) {
            self.connect(holders)?;
        }
        let shared = partition.shared(own, ranks).into_iter();
        let replicas = shared.filter_map(|part| {
            let mut known = self.groups.iter();
            let (_, group) = known.find(|(holders, _)| *holders == part.holders)?;
            Some((part.ranges, group.clone()?))
        });
        Ok(replicas.collect())
    }

    fn connect(&mut self, holders: Range<usize>) -> Result<()> {
        if self.groups.iter().any(|(known, _)| *known == holders) {
            return Ok(());
        }
        let ranks: Vec<usize> = holders.clone().collect();
        let group = match ranks.len() == self.all.size() {
            true => Some(self.all.clone()),
            false => self.all.subgroup(&ranks)?,
        };
        self.groups.push((holders, group));
        Ok(())
    }
}
