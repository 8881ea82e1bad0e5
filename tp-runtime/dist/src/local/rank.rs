//! A rank with all its groups: while it waits for one of them, it makes progress in all.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::group::Inner;
use crate::backend::Job;

/// What the groups of one rank share.
pub(super) struct LocalRank {
    /// The rank in the world.
    pub(super) number: usize,
    pub(super) job: Arc<Job>,
    groups: Mutex<Vec<Weak<Inner>>>,
}

impl LocalRank {
    pub(super) fn new(number: usize, job: Arc<Job>) -> Self {
        Self {
            number,
            job,
            groups: Mutex::default(),
        }
    }

    pub(super) fn add(&self, group: &Arc<Inner>) {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.retain(|group| group.strong_count() > 0);
        groups.push(Arc::downgrade(group));
    }

    /// Takes the steps that groups are ready for, except those of the group that is being waited for, whose
    /// progress is locked.
    ///
    /// Two ranks may wait for two groups in opposite orders: each must meanwhile take part in what the
    /// other one waits for.
    pub(super) fn advance_others(&self) {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if groups.len() == 1 {
            return;
        }
        for group in groups.iter().filter_map(Weak::upgrade) {
            if let Ok(mut progress) = group.progress.try_lock() {
                progress.advance(&self.job);
            }
        }
    }
}
