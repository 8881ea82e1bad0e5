//! The buffers in which parameters are held together, by their sizes.

use std::collections::BTreeSet;

use super::TrainingSetup;
use crate::data_parallel::Layout;
use crate::data_parallel::Zero;
use crate::data_parallel::{layer, members};
use crate::explain::view::View;
use crate::module::ShardedParam;

/// Parameters of a rank that are held together.
pub(super) struct Unit {
    pub(super) layout: Layout,
    pub(super) is: UnitKind,
    /// Whether training leaves it as it is.
    pub(super) is_frozen: bool,
}

/// When a step uses a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitKind {
    /// In each micro-batch, forward and backward: a layer that is gathered by itself.
    Layer,
    /// From the first micro-batch to the last.
    Rest,
    /// Not at all: a layer of a vision tower, without images.
    Aside,
}

/// The units of a model, of whose layers those `in_flow` are run.
pub(super) fn units(
    parameters: &[ShardedParam<'_>],
    in_flow: &BTreeSet<&str>,
    view: View,
    training: TrainingSetup,
) -> Vec<Unit> {
    let zero = training.options.zero;
    let of = |is_frozen: bool| {
        let some = parameters.iter();
        let some = some.filter(|named| named.param.is_frozen() == is_frozen);
        let lengths = some.map(|named| {
            let shape = named.param.shape();
            let local = named.sharding.local_shape(shape, view.rank, view.ranks());
            (named.name.as_str(), local.iter().product())
        });
        let divided = match zero {
            Zero::Replicas => 1,
            Zero::Optimizer if is_frozen => 1,
            Zero::Optimizer | Zero::Parameters => training.data_ranks.get(),
        };
        let unit = |(name, lengths): (&str, Vec<i64>)| Unit {
            layout: Layout::new(lengths, divided, training.options.bucket),
            is: match layer(name) {
                None => UnitKind::Rest,
                Some(_) if in_flow.contains(name) => UnitKind::Layer,
                Some(_) => UnitKind::Aside,
            },
            is_frozen,
        };
        members(lengths, zero)
            .into_iter()
            .map(unit)
            .collect::<Vec<_>>()
    };
    [of(false), of(true)].into_iter().flatten().collect()
}

impl Unit {
    /// Elements of the whole.
    pub(super) fn length(&self) -> u64 {
        self.layout.length() as u64
    }

    /// Elements that the first rank updates.
    pub(super) fn own(&self) -> u64 {
        let own = (0..self.layout.buckets().len()).map(|bucket| self.layout.own(bucket, 0));
        own.map(|own| (own.end - own.start) as u64).sum()
    }

    /// Of those, elements of parameters: the last ones of a vector may belong to none.
    pub(super) fn own_of_parameters(&self) -> u64 {
        let end = self.layout.elements();
        let own = (0..self.layout.buckets().len()).map(|bucket| self.layout.own(bucket, 0));
        own.map(|own| (own.end.min(end) - own.start).max(0) as u64)
            .sum()
    }

    /// Elements of each bucket.
    pub(super) fn buckets(&self) -> impl Iterator<Item = u64> {
        let buckets = self.layout.buckets().iter();
        buckets.map(|bucket| (bucket.end - bucket.start) as u64)
    }
}
