//! The collectives of one optimizer step, by group and purpose.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;

use super::state::F32;
use super::units::{Unit, UnitKind};
use super::{Setup, TrainingSetup};
use crate::data_parallel::Zero;
use crate::explain::call::{Transfer, display};
use crate::explain::{CollectiveCall, Traffic};
use crate::module::last_branch;
use crate::plan::pattern::is_index;
use crate::plan::{Collective, Node};

/// Bytes of a loss, a norm or a count, which are 64-bit floats.
const SCALAR: u64 = 8;
/// Along the one dimension of a flat buffer.
const FLAT: i64 = 0;

/// What one rank communicates in a step through one group for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepTraffic {
    /// The ranks.
    #[serde(serialize_with = "display")]
    pub group: RankGroup,
    /// What for.
    #[serde(serialize_with = "display")]
    pub purpose: Purpose,
    /// The collectives.
    pub traffic: Traffic,
}

/// Ranks of a mesh that communicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankGroup {
    /// The tensor-parallel ranks.
    Tensor,
    /// The data-parallel ranks.
    Data,
    /// All ranks.
    All,
}

/// What ranks communicate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Activations of the forward.
    Forward,
    /// The loss of logits that are split.
    Loss,
    /// Activations of layers that are run again.
    Recompute,
    /// Gradients of activations, and of parameters that several ranks hold.
    Backward,
    /// Sums of gradients over the batch.
    Gradients,
    /// Weights that ranks hold or update a part of.
    Weights,
    /// Label counts, the loss, the norm.
    Scalars,
}

/// What a step communicates for.
pub(super) struct Step<'a> {
    pub(super) node: &'static Node,
    pub(super) transfers: &'a [Transfer],
    pub(super) loss: &'a [CollectiveCall],
    pub(super) units: &'a [Unit],
}

impl Step<'_> {
    /// The traffic of one step; nothing for a group of one rank.
    pub(super) fn traffic(&self, setup: Setup, training: TrainingSetup) -> Vec<StepTraffic> {
        let mut parts = Vec::new();
        if setup.degree.get() > 1 {
            parts.extend(self.tensor_parallel(training));
        }
        if training.data_ranks.get() > 1 {
            parts.extend(self.data_parallel(setup, training));
        }
        parts.extend(norm(setup, training));
        parts.retain(|part| part.traffic.total().calls > 0);
        parts
    }

    fn tensor_parallel(&self, training: TrainingSetup) -> [StepTraffic; 4] {
        let recompute = match training.options.recomputes() {
            true => self.recomputed(),
            false => Vec::new(),
        };
        let calls = |of: fn(&Transfer) -> Option<CollectiveCall>| -> Vec<CollectiveCall> {
            self.transfers.iter().filter_map(of).collect()
        };
        let part = |purpose, calls: &[CollectiveCall]| StepTraffic {
            group: RankGroup::Tensor,
            purpose,
            traffic: Traffic::of(calls).times(training.accumulation.get()),
        };
        [
            part(Purpose::Forward, &calls(Transfer::forward)),
            part(Purpose::Loss, self.loss),
            part(Purpose::Recompute, &recompute),
            part(Purpose::Backward, &calls(Transfer::backward)),
        ]
    }

    /// What layers communicate when they are run again: all but what would complete an output that is
    /// not read then.
    fn recomputed(&self) -> Vec<CollectiveCall> {
        let layers: HashSet<&str> = self
            .transfers
            .iter()
            .filter_map(|transfer| transfer.layer.as_deref())
            .collect();
        let unread = layers.into_iter().filter_map(|layer| {
            let last = last_branch(node_at(self.node, layer)?)?;
            Some(format!("{layer}.{last}"))
        });
        let unread: HashSet<String> = unread.collect();
        let is_unread = |transfer: &Transfer| {
            let completes = transfer.redistribution.unread() != transfer.redistribution;
            completes && transfer.operand == "output" && unread.contains(&transfer.modules[0])
        };
        let again = self.transfers.iter();
        again
            .filter(|transfer| transfer.layer.is_some() && !is_unread(transfer))
            .filter_map(Transfer::forward)
            .collect()
    }

    fn data_parallel(&self, setup: Setup, training: TrainingSetup) -> [StepTraffic; 3] {
        let accumulation = training.accumulation.get();
        let (mut gradients, mut weights) = (Traffic::default(), Traffic::default());
        for unit in self.units {
            let (reductions, gathers) = match (training.options.zero, unit.is) {
                (Zero::Replicas | Zero::Optimizer, _) if unit.is_frozen => continue,
                (Zero::Replicas, _) => (1, 0),
                (Zero::Optimizer, _) | (Zero::Parameters, UnitKind::Rest) => (1, 1),
                (Zero::Parameters, UnitKind::Layer) => (accumulation, 2 * accumulation),
                (Zero::Parameters, UnitKind::Aside) => (0, 0),
            };
            let reduction = match training.options.zero {
                Zero::Replicas => Collective::AllReduce,
                Zero::Optimizer | Zero::Parameters => Collective::ReduceScatter(FLAT),
            };
            for bucket in unit.buckets() {
                if !unit.is_frozen {
                    gradients.add(reduction, reductions, bucket * F32);
                }
                let bytes = bucket * setup.dtype.bytes();
                weights.add(Collective::AllGather(FLAT), gathers, bytes);
            }
        }
        let mut scalars = Traffic::default();
        // Of labels, micro-batches, samples and images.
        let counts = training.data_ranks.get() as u64 * 4 * SCALAR;
        scalars.add(Collective::AllGather(FLAT), 1, counts);
        scalars.add(Collective::AllReduce, 1, SCALAR);
        let part = |purpose, traffic| StepTraffic {
            group: RankGroup::Data,
            purpose,
            traffic,
        };
        [
            part(Purpose::Weights, weights),
            part(Purpose::Gradients, gradients),
            part(Purpose::Scalars, scalars),
        ]
    }
}

/// The norm is summed over those who count different elements.
fn norm(setup: Setup, training: TrainingSetup) -> Option<StepTraffic> {
    let group = match training.options.zero {
        Zero::Replicas if setup.degree.get() == 1 => return None,
        Zero::Replicas => RankGroup::Tensor,
        Zero::Optimizer | Zero::Parameters => RankGroup::All,
    };
    let mut traffic = Traffic::default();
    traffic.add(Collective::AllReduce, 1, SCALAR);
    Some(StepTraffic {
        group,
        purpose: Purpose::Scalars,
        traffic,
    })
}

/// The type of the module at a path.
fn node_at(root: &'static Node, path: &str) -> Option<&'static Node> {
    let mut names = path.split('.').filter(|segment| !is_index(segment));
    names.try_fold(root, |node, name| {
        let mut children = node.children.iter();
        children
            .find(|child| child.name == name)
            .map(|child| child.node)
    })
}

impl fmt::Display for RankGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tensor => "tp",
            Self::Data => "dp",
            Self::All => "dp x tp",
        })
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Loss => "loss",
            Self::Recompute => "recompute",
            Self::Backward => "backward",
            Self::Gradients => "gradients",
            Self::Weights => "weights",
            Self::Scalars => "scalars",
        })
    }
}
