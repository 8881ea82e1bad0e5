//! The ranks that hold the same heads, where there are more ranks than heads.

use std::ops::Range;

use super::Sharding;
use crate::Result;
use crate::comm::ProcessGroup;
use crate::mesh::neighbours;

/// Groups of neighbouring ranks, this one among each: one for every number of ranks that hold a
/// replica of a part of some parameter.
pub(crate) struct ReplicaGroups {
    all: ProcessGroup,
    groups: Vec<ProcessGroup>,
}

/// A range of this rank's part of a split dimension, and the ranks that hold it too.
pub(crate) type Replica = (Range<i64>, ProcessGroup);

impl ReplicaGroups {
    /// No groups yet, of neighbours among `all`.
    pub(crate) fn new(all: &ProcessGroup) -> Self {
        Self {
            all: all.clone(),
            groups: Vec::new(),
        }
    }

    /// What other ranks hold of this rank's part of a parameter. Every rank makes the call.
    ///
    /// # Errors
    /// When the ranks cannot connect.
    pub(crate) fn replicas(&mut self, sharding: &Sharding) -> Result<Vec<Replica>> {
        let Some((_, partition)) = sharding.split() else {
            return Ok(Vec::new());
        };
        let shared = partition
            .shared(self.all.rank(), self.all.size())
            .into_iter();
        let replica = |(range, count)| Ok((range, self.group(count)?));
        shared.map(replica).collect()
    }

    /// The group of so many ranks.
    fn group(&mut self, count: usize) -> Result<ProcessGroup> {
        if let Some(known) = self.groups.iter().find(|group| group.size() == count) {
            return Ok(known.clone());
        }
        let group = neighbours(&self.all, count)?;
        self.groups.push(group.clone());
        Ok(group)
    }
}
