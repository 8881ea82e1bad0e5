//! The collectives of one pass, and their sum by kind.

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
            let count = match call.collective {
                Collective::AllReduce => &mut traffic.all_reduce,
                Collective::AllGather(_) => &mut traffic.all_gather,
                Collective::ReduceScatter(_) => &mut traffic.reduce_scatter,
                Collective::Identity | Collective::Split(_) => continue,
            };
            count.calls += 1;
            count.bytes += call.bytes;
        }
        traffic
    }

    /// All kinds together.
    pub fn total(self) -> Count {
        let kinds = [self.all_reduce, self.all_gather, self.reduce_scatter];
        Count {
            calls: kinds.iter().map(|count| count.calls).sum(),
            bytes: kinds.iter().map(|count| count.bytes).sum(),
        }
    }
}

/// Serializes what a person would read.
pub(super) fn display<T: std::fmt::Display, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
