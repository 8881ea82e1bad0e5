//! How much a rank has communicated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Operation;

/// Calls of one collective and their payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommCount {
    /// How many calls.
    pub calls: u64,
    /// Bytes of the whole tensor: what is reduced or broadcast, or what a gather gives back.
    pub bytes: u64,
}

/// What one rank has communicated through a group and its subgroups, by collective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommCounts {
    /// `all_reduce`.
    pub all_reduce: CommCount,
    /// `all_gather`.
    pub all_gather: CommCount,
    /// `reduce_scatter`.
    pub reduce_scatter: CommCount,
    /// `broadcast`.
    pub broadcast: CommCount,
    /// `barrier`.
    pub barrier: CommCount,
}

/// The running counters.
#[derive(Default)]
pub(crate) struct Counters {
    counts: [(AtomicU64, AtomicU64); 5],
    /// Those of the group that this one is part of.
    parent: Option<Arc<Counters>>,
}

impl Counters {
    pub(crate) fn within(parent: Arc<Counters>) -> Self {
        Self {
            parent: Some(parent),
            ..Self::default()
        }
    }

    pub(crate) fn record(&self, operation: Operation, bytes: usize) {
        let (calls, total) = &self.counts[index(operation)];
        calls.fetch_add(1, Relaxed);
        total.fetch_add(bytes as u64, Relaxed);
        if let Some(parent) = &self.parent {
            parent.record(operation, bytes);
        }
    }

    pub(crate) fn read(&self) -> CommCounts {
        let [all_reduce, all_gather, reduce_scatter, broadcast, barrier] =
            self.counts.each_ref().map(|(calls, bytes)| CommCount {
                calls: calls.load(Relaxed),
                bytes: bytes.load(Relaxed),
            });
        CommCounts {
            all_reduce,
            all_gather,
            reduce_scatter,
            broadcast,
            barrier,
        }
    }

    pub(crate) fn reset(&self) {
        for (calls, bytes) in &self.counts {
            calls.store(0, Relaxed);
            bytes.store(0, Relaxed);
        }
    }
}

fn index(operation: Operation) -> usize {
    match operation {
        Operation::AllReduce(_) => 0,
        Operation::AllGather { .. } => 1,
        Operation::ReduceScatter { .. } => 2,
        Operation::Broadcast { .. } => 3,
        Operation::Barrier => 4,
    }
}
