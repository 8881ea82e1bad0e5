//! The ranks that hold the same heads, where there are more ranks than heads.

use std::sync::Arc;

use crate::Result;
use crate::comm::{self, ProcessGroup};
use crate::mesh::neighbours;
use crate::model::ModelError;
use crate::module::Param;

/// Groups of neighbouring ranks, this one among each: one for every number of ranks that hold a part
/// of some parameter together.
#[derive(Clone, Default)]
pub struct Sharers(Arc<[ProcessGroup]>);

impl Sharers {
    /// The groups that some parameters need. Every rank of `group` makes the call.
    ///
    /// # Errors
    /// When the ranks cannot connect.
    pub(crate) fn connect<'a>(
        params: impl IntoIterator<Item = &'a Param>,
        group: &ProcessGroup,
    ) -> Result<Self> {
        let partitions = params.into_iter().filter_map(Param::partition);
        let mut counts: Vec<usize> = partitions
            .flat_map(|(_, partition)| partition.divisions().to_vec())
            .map(|division| division.sharers)
            .filter(|&sharers| sharers > 1)
            .collect();
        counts.sort_unstable();
        counts.dedup();
        let groups = counts.into_iter().map(|count| neighbours(group, count));
        Ok(Self(groups.collect::<comm::Result<_>>()?))
    }

    /// The group of so many ranks.
    ///
    /// # Errors
    /// When the parameter that asks was not among those the groups were made for.
    pub(crate) fn of(&self, count: usize) -> Result<&ProcessGroup, ModelError> {
        let group = self.0.iter().find(|group| group.size() == count);
        group.ok_or(ModelError::NoSharers { count })
    }
}
