//! The activations of a forward as layouts, and the transfers between ranks that place them.

use std::rc::Rc;

use super::call::Transfer;
use super::saved_tensors::SavedTensors;
use super::view::{Features, View};
use crate::Result;
use crate::data_parallel::layer;
use crate::plan::{Collective, Giving, Layout, Placement, PlacementError, Reading, Redistribution};

/// Dimensions of an activation: batch, sequence, features.
pub(super) const DIMENSIONS: usize = 3;

/// One of the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ActivationId(usize);

/// Every activation of a forward, the transfers between ranks that place them, and what autograd saves.
pub(super) struct Activations {
    pub(super) view: View,
    activations: Vec<Activation>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) saved: SavedTensors,
    /// The element of a list that is followed, such as `model.layers.3`.
    layer: Option<Rc<str>>,
    /// Whether what is made now has a gradient: it comes from something that has, or from a trained parameter.
    is_recorded: bool,
}

struct Activation {
    layout: Layout,
    features: Features,
    /// The features of the projections that it is made of; none for what is no work of linear layers alone.
    projections: Vec<Features>,
    producer: String,
    /// Whether it has a gradient.
    differentiable: bool,
    /// How it was read, and the transfer that readers of one kind share.
    read: Vec<(Reading, Option<usize>)>,
}

impl Activations {
    /// Only the model's input so far, which every rank holds and which has no gradient.
    pub(super) fn new(view: View) -> (Self, ActivationId) {
        let mut activations = Self {
            view,
            activations: Vec::new(),
            transfers: Vec::new(),
            saved: SavedTensors::default(),
            layer: None,
            is_recorded: false,
        };
        let layout = Layout::new(Placement::Replicate);
        let input = activations.push(layout, Features::plain(0), "the model's input");
        (activations, input)
    }

    fn push(&mut self, layout: Layout, features: Features, producer: &str) -> ActivationId {
        self.activations.push(Activation {
            layout,
            features,
            projections: Vec::new(),
            producer: producer.to_owned(),
            differentiable: self.is_recorded,
            read: Vec::new(),
        });
        ActivationId(self.activations.len() - 1)
    }

    /// Goes on to the leaf at `path`, which reads `input`.
    pub(super) fn enter(&mut self, path: &str, input: ActivationId) {
        let entered = layer(path);
        if entered == self.layer.as_deref() {
            return;
        }
        self.layer = entered.map(Rc::from);
        if let Some(layer) = &self.layer {
            let bytes = self.rank_bytes_of(input, self.activations[input.0].layout.stored());
            self.saved.enter(layer.clone(), input, bytes);
        }
    }

    /// The list element that is followed.
    pub(super) fn layer(&self) -> Option<&Rc<str>> {
        self.layer.as_ref()
    }

    /// What is made from here on is made of `input` by a layer that is trained or not.
    pub(super) fn record(&mut self, input: ActivationId, is_trained: bool) {
        self.is_recorded = is_trained || self.activations[input.0].differentiable;
    }

    /// Whether the activation has a gradient.
    pub(super) fn is_recorded(&self, id: ActivationId) -> bool {
        self.activations[id.0].differentiable
    }

    /// Autograd saves the activation as it was read, once for all who read it so.
    pub(super) fn save(&mut self, id: ActivationId, read: Placement) {
        let is_copy = self.ranks() > 1 && !self.stored(id).same(read);
        let bytes = self.rank_bytes_of(id, read);
        let tensor = (id, is_copy.then_some(read));
        self.saved.shared(self.layer.clone(), tensor, bytes);
    }

    fn rank_bytes_of(&self, id: ActivationId, placement: Placement) -> u64 {
        self.view.activation_bytes(self.features(id), placement)
    }

    /// How the ranks hold it.
    pub(super) fn stored(&self, id: ActivationId) -> Placement {
        self.activations[id.0].layout.stored()
    }

    /// The features of the projections that it is made of.
    pub(super) fn projections(&self, id: ActivationId) -> &[Features] {
        &self.activations[id.0].projections
    }

    /// Says what projections it is made of.
    pub(super) fn set_projections(&mut self, id: ActivationId, projections: Vec<Features>) {
        self.activations[id.0].projections = projections;
    }

    /// The number of ranks.
    pub(super) fn ranks(&self) -> usize {
        self.view.ranks()
    }

    pub(super) fn placement(&self, id: ActivationId) -> Placement {
        self.activations[id.0].layout.placement()
    }

    pub(super) fn features(&self, id: ActivationId) -> Features {
        self.activations[id.0].features
    }

    pub(super) fn producer(&self, id: ActivationId) -> &str {
        &self.activations[id.0].producer
    }

    /// What `producer` makes as `made` and promises as `promised`.
    pub(super) fn give(
        &mut self,
        made: Placement,
        promised: Placement,
        features: Features,
        producer: &str,
    ) -> Result<ActivationId> {
        let (made, promised) = (made.normalized(DIMENSIONS), promised.normalized(DIMENSIONS));
        let giving = Layout::give(made, promised)
            .map_err(|error| PlacementError::no_redistribution(error, producer, producer))?;
        if let Giving::Now(..) = giving {
            let id = self.push(Layout::new(made), features, producer);
            self.read(id, Reading::alike(promised), producer, "output")?;
        }
        Ok(self.push(giving.layout(), features, producer))
    }

    /// Reads an activation as it is placed, for computation that gives back a gradient placed alike.
    pub(super) fn local(&mut self, id: ActivationId) -> Result<()> {
        let producer = self.producer(id).to_owned();
        let reading = self.activations[id.0].layout.as_placed();
        self.read(id, reading, &producer, "output")
    }

    /// Reads an activation as `reader` wants it; readers that want the same share one transfer.
    pub(super) fn read(
        &mut self,
        id: ActivationId,
        reading: Reading,
        reader: &str,
        operand: &'static str,
    ) -> Result<()> {
        let activation = &self.activations[id.0];
        let known = (activation.read.iter()).find(|(other, _)| reading.shares(*other));
        if let Some((_, shared)) = known {
            if let Some(transfer) = *shared {
                let modules = &mut self.transfers[transfer].modules;
                if !modules.iter().any(|module| module == reader) {
                    modules.push(reader.to_owned());
                }
            }
            return Ok(());
        }
        let access = activation.layout.access(reading).map_err(|error| {
            PlacementError::no_redistribution(error, &activation.producer, reader)
        })?;
        if access.gathers_first {
            self.local(id)?;
        }
        let activation = &mut self.activations[id.0];
        let mut redistribution = access.redistribution;
        if !activation.differentiable {
            redistribution.backward = Collective::Identity;
        }
        let Redistribution { forward, backward } = redistribution;
        let transfer = (forward.communicates() || backward.communicates()).then(|| {
            self.transfers.push(Transfer {
                layer: self.layer.clone(),
                modules: vec![reader.to_owned()],
                operand,
                redistribution,
                bytes: (self.view).activation_bytes(activation.features, Placement::Replicate),
            });
            self.transfers.len() - 1
        });
        activation.read.push((reading, transfer));
        Ok(())
    }

    /// Bytes of what layers give, sum and gather in a forward, on the rank that is looked at.
    pub(super) fn rank_bytes(&self) -> u64 {
        let is_gather = |transfer: &usize| {
            let forward = self.transfers[*transfer].redistribution.forward;
            matches!(forward, Collective::AllGather(_))
        };
        let kept = |activation: &Activation| {
            let bytes = |placement| {
                let features = activation.features;
                self.view.activation_bytes(features, placement)
            };
            let given = match activation.layout.stored() {
                // Reduced in place: the sum is counted as an activation of its own.
                Placement::Partial => 0,
                stored => bytes(stored),
            };
            let transfers = activation.read.iter().filter_map(|(_, transfer)| *transfer);
            let gathers = transfers.filter(is_gather).count() as u64;
            given + gathers * bytes(Placement::Replicate)
        };
        self.activations.iter().map(kept).sum()
    }

    /// Elementwise work on two activations.
    pub(super) fn join(
        &mut self,
        first: ActivationId,
        second: ActivationId,
        operation: &'static str,
    ) -> Result<ActivationId> {
        let (left, right) = (
            self.activations[first.0].layout,
            self.activations[second.0].layout,
        );
        let layout = left.join(right).map_err(|mismatch| {
            PlacementError::operands(
                mismatch,
                operation,
                (self.producer(first), left.placement()),
                (self.producer(second), right.placement()),
            )
        })?;
        self.local(second)?;
        self.local(first)?;
        let producer = self.producer(first).to_owned();
        self.is_recorded = self.is_recorded(first) || self.is_recorded(second);
        Ok(self.push(layout, self.features(first), &producer))
    }

    /// The backward's sum of the gradient of a replicated parameter, which sharded activations met.
    pub(super) fn sum_gradient(&mut self, shape: &[i64], module: &str, leaf: &'static str) {
        self.transfers.push(Transfer {
            layer: self.layer.clone(),
            modules: vec![module.to_owned()],
            operand: leaf,
            redistribution: Redistribution {
                forward: Collective::Identity,
                backward: Collective::AllReduce,
            },
            bytes: self.view.setup.dtype.tensor_bytes(shape),
        });
    }
}
