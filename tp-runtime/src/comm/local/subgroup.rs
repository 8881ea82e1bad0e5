//! Where the ranks of a local group meet to make its subgroups.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::group::LocalGroup;

/// The subgroups that some ranks have still to fetch, by the order in which they were made.
#[derive(Default)]
pub(super) struct Rendezvous(Mutex<HashMap<usize, Subgroup>>);

struct Subgroup {
    ranks: Vec<usize>,
    members: Vec<Option<LocalGroup>>,
    /// How many ranks of the parent have not come yet.
    awaited: usize,
}

impl Rendezvous {
    /// Fetches `rank`'s side of the `index`th subgroup, which the first of `size` ranks to come makes.
    ///
    /// # Errors
    /// The ranks that another rank gave, if they differ.
    pub(super) fn meet(
        &self,
        index: usize,
        (rank, size): (usize, usize),
        ranks: &[usize],
        make: impl FnOnce() -> Vec<LocalGroup>,
    ) -> Result<Option<LocalGroup>, Vec<usize>> {
        let mut subgroups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let subgroup = subgroups.entry(index).or_insert_with(|| Subgroup {
            ranks: ranks.to_vec(),
            members: make().into_iter().map(Some).collect(),
            awaited: size,
        });
        if subgroup.ranks != ranks {
            return Err(subgroup.ranks.clone());
        }
        let position = ranks.iter().position(|&member| member == rank);
        let member = position.and_then(|position| subgroup.members[position].take());
        subgroup.awaited -= 1;
        if subgroup.awaited == 0 {
            subgroups.remove(&index);
        }
        Ok(member)
    }
}
