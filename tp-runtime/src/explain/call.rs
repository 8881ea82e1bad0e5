//! The collectives of one pass, and their sum by kind.

use std::iter::Sum;
use std::rc::Rc;

use serde::{Serialize, Serializer};

use crate::plan::{Collective, Redistribution};

/// One collective of one forward or one backward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectiveCall {
    /// Which collective.
    #[serde(serialize_with = "display")]
    pub collective: Collective,
    /// The module it is made for; more than one where readers of an activation share it.
    pub modules: Vec<String>,
    /// What of the module is communicated; in a backward, its gradient.
    pub operand: &'static str,
    /// Bytes of the whole tensor: what is reduced or scattered, or what a gather gives back.
    pub bytes: u64,
}

/// A change of placement with its backward, with the modules that share it.
#[derive(Debug)]
pub(super) struct Transfer {
    /// The list element in which it is made.
    pub(super) layer: Option<Rc<str>>,
    pub(super) modules: Vec<String>,
    pub(super) operand: &'static str,
    pub(super) redistribution: Redistribution,
    pub(super) bytes: u64,
}

impl Transfer {
    pub(super) fn forward(&self) -> Option<CollectiveCall> {
        self.call(self.redistribution.forward)
    }

    pub(super) fn backward(&self) -> Option<CollectiveCall> {
        self.call(self.redistribution.backward)
    }

    fn call(&self, collective: Collective) -> Option<CollectiveCall> {
        collective.communicates().then(|| CollectiveCall {
            collective,
            modules: self.modules.clone(),
            operand: self.operand,
            bytes: self.bytes,
        })
    }
}

/// Calls of one kind of collective and their payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many calls.
    pub calls: u64,
    /// Bytes of the whole tensors.
    pub bytes: u64,
}

/// What one rank communicates, by kind of collective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// `all_reduce`.
    pub all_reduce: Count,
    /// `all_gather`.
    pub all_gather: Count,
    /// `reduce_scatter`.
    pub reduce_scatter: Count,
}

impl Traffic {
    /// The sum of `calls`.
    pub fn of(calls: &[CollectiveCall]) -> Self {
        let mut traffic = Self::default();
        for call in calls {
            traffic.add(call.collective, 1, call.bytes);
        }
        traffic
    }

    /// Adds so many calls of a collective, of so many bytes each.
    pub(super) fn add(&mut self, collective: Collective, calls: u64, bytes: u64) {
        let count = match collective {
            Collective::AllReduce => &mut self.all_reduce,
            Collective::AllGather(_) => &mut self.all_gather,
            Collective::ReduceScatter(_) => &mut self.reduce_scatter,
            Collective::Identity | Collective::Split(_) => return,
        };
        count.calls = count.calls.saturating_add(calls);
        count.bytes = count.bytes.saturating_add(calls.saturating_mul(bytes));
    }

    /// All of it so many times.
    pub(super) fn times(self, times: u64) -> Self {
        let count = |count: Count| Count {
            calls: count.calls.saturating_mul(times),
            bytes: count.bytes.saturating_mul(times),
        };
        Self {
            all_reduce: count(self.all_reduce),
            all_gather: count(self.all_gather),
            reduce_scatter: count(self.reduce_scatter),
        }
    }

    /// Each kind under its name.
    pub fn by_kind(self) -> [(&'static str, Count); 3] {
        [
            ("all_reduce", self.all_reduce),
            ("all_gather", self.all_gather),
            ("reduce_scatter", self.reduce_scatter),
        ]
    }

    /// All kinds together.
    pub fn total(self) -> Count {
        let kinds = self.by_kind().map(|(_, count)| count);
        kinds.into_iter().sum()
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| Self {
            calls: sum.calls.saturating_add(count.calls),
            bytes: sum.bytes.saturating_add(count.bytes),
        })
    }
}

impl Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(traffic: I) -> Self {
        traffic.fold(Self::default(), |sum, traffic| {
            let count = |of: fn(Self) -> Count| [of(sum), of(traffic)].into_iter().sum();
            Self {
                all_reduce: count(|one| one.all_reduce),
                all_gather: count(|one| one.all_gather),
                reduce_scatter: count(|one| one.reduce_scatter),
            }
        })
    }
}

/// Serializes what a person would read.
pub(super) fn display<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
