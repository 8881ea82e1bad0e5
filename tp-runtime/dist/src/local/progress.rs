//! The collectives of a group that one rank has under way.

use std::collections::{HashMap, VecDeque};

use tch::Tensor;

use super::contribution::{Contribution, compute};
use super::rounds::Endpoint;
use crate::backend::Job;
use crate::{CommError, Result};

/// Collectives under way, each a round. They complete in the order they began, on every rank alike,
/// whatever the order of the waits.
pub(super) struct Progress {
    pub(super) endpoint: Endpoint<Contribution>,
    /// Results of rounds that other ranks have still to read.
    computed: VecDeque<Result<Tensor>>,
    /// Results that nobody has asked for yet, by round.
    completed: HashMap<u64, Result<Tensor>>,
    /// Why the oldest round will never complete: the ranks are out of step from then on, so every later
    /// call ends with it.
    pub(super) interrupted: Option<CommError>,
    /// How many subgroups were made.
    pub(super) subgroups: usize,
}

impl Progress {
    pub(super) fn new(endpoint: Endpoint<Contribution>) -> Self {
        Self {
            endpoint,
            computed: VecDeque::new(),
            completed: HashMap::new(),
            interrupted: None,
            subgroups: 0,
        }
    }

    /// Takes every step that the other ranks are ready for.
    pub(super) fn advance(&mut self, job: &Job) {
        if self.interrupted.is_some() {
            return;
        }
        let rank = self.endpoint.rank();
        while let Some(result) = self
            .endpoint
            .read(|values| tch::no_grad(|| compute(rank, &values)))
        {
            self.computed.push_back(result);
            job.notify();
        }
        loop {
            let round = self.endpoint.completed();
            if self.endpoint.complete().is_none() {
                return;
            }
            let result = self.computed.pop_front();
            let result = result.expect("this rank has read what all ranks have read");
            self.completed.insert(round, result);
        }
    }

    /// The result of a completed round; given once.
    pub(super) fn take(&mut self, round: u64) -> Option<Result<Tensor>> {
        self.completed.remove(&round)
    }
}
