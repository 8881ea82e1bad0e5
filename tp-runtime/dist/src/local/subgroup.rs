//! Where the ranks of a local group meet to make its subgroups.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::contribution::Contribution;
use super::rounds::{Endpoint, endpoints};

/// How many collectives a rank may begin before it completes the first.
const CAPACITY: usize = 64;

/// The subgroups that some ranks have still to fetch, by the order in which they were made.
#[derive(Default)]
pub(super) struct Subgroups(Mutex<HashMap<usize, Subgroup>>);

/// A rank's part in a group.
pub(super) struct Membership {
    pub(super) endpoint: Endpoint<Contribution>,
    /// Where the ranks of the group meet to make its subgroups.
    pub(super) subgroups: Arc<Subgroups>,
}

struct Subgroup {
    members: Vec<usize>,
    endpoints: Vec<Option<Endpoint<Contribution>>>,
    subgroups: Arc<Subgroups>,
    /// How many ranks of the parent have not come yet.
    awaited: usize,
}

impl Subgroups {
    /// Fetches `rank`'s part in the `index`th subgroup, which the first of `size` ranks to come makes; `None`
    /// for a rank outside it.
    ///
    /// # Errors
    /// The members that another rank gave, if they differ.
    pub(super) fn meet(
        &self,
        index: usize,
        (rank, size): (usize, usize),
        members: &[usize],
    ) -> Result<Option<Membership>, Vec<usize>> {
        let mut subgroups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let subgroup = subgroups.entry(index).or_insert_with(|| {
            let endpoints = endpoints(members.len(), CAPACITY);
            Subgroup {
                members: members.to_vec(),
                endpoints: endpoints.into_iter().map(Some).collect(),
                subgroups: Arc::default(),
                awaited: size,
            }
        });
        if subgroup.members != members {
            return Err(subgroup.members.clone());
        }
        let position = members.iter().position(|&member| member == rank);
        let endpoint = position.and_then(|position| subgroup.endpoints[position].take());
        let own_subgroups = subgroup.subgroups.clone();
        let membership = endpoint.map(|endpoint| Membership {
            endpoint,
            subgroups: own_subgroups,
        });
        subgroup.awaited -= 1;
        if subgroup.awaited == 0 {
            subgroups.remove(&index);
        }
        Ok(membership)
    }
}
