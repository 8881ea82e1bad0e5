//! How much a rank has communicated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Collective;

/// Calls of one collective and their payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many calls.
    pub calls: u64,
    /// Bytes of the whole tensor: what is reduced or broadcast, or what a gather gives back.
    pub bytes: u64,
}

/// What one rank has communicated through a group and its subgroups, by collective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// `all_reduce`.
    pub all_reduce: Count,
    /// `all_gather`.
    pub all_gather: Count,
    /// `reduce_scatter`.
    pub reduce_scatter: Count,
    /// `broadcast`.
    pub broadcast: Count,
    /// `barrier`.
    pub barrier: Count,
}

/// The running counters.
#[derive(Default)]
pub(super) struct Counters {
    counts: [(AtomicU64, AtomicU64); 5],
    /// Those of the group that this one is part of.
    parent: Option<Arc<Counters>>,
}

impl Counters {
    pub(super) fn within(parent: Arc<Counters>) -> Self {
        Self {
            parent: Some(parent),
            ..Self::default()
        }
    }

    pub(super) fn record(&self, collective: Collective, bytes: usize) {
        let (calls, total) = &self.counts[index(collective)];
        calls.fetch_add(1, Relaxed);
        total.fetch_add(bytes as u64, Relaxed);
        if let Some(parent) = &self.parent {
            parent.record(collective, bytes);
        }
    }

    pub(super) fn read(&self) -> Traffic {
        let [all_reduce, all_gather, reduce_scatter, broadcast, barrier] =
            self.counts.each_ref().map(|(calls, bytes)| Count {
                calls: calls.load(Relaxed),
                bytes: bytes.load(Relaxed),
            });
        Traffic {
            all_reduce,
            all_gather,
            reduce_scatter,
            broadcast,
            barrier,
        }
    }

    pub(super) fn reset(&self) {
        for (calls, bytes) in &self.counts {
            calls.store(0, Relaxed);
            bytes.store(0, Relaxed);
        }
    }
}

fn index(collective: Collective) -> usize {
    match collective {
        Collective::AllReduce(_) => 0,
        Collective::AllGather { .. } => 1,
        Collective::ReduceScatter { .. } => 2,
        Collective::Broadcast { .. } => 3,
        Collective::Barrier => 4,
    }
}
