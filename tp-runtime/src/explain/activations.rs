//! The activations of a forward as layouts, and what moves between ranks to place them.

use super::Setup;
use super::call::Transfer;
use crate::Result;
use crate::plan::{Collective, Giving, Layout, Placement, PlacementError, Reading, Redistribution};

/// Dimensions of an activation: batch, sequence, features.
pub(super) const DIMENSIONS: usize = 3;

/// One activation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value(usize);

/// Every activation of a forward, and what moved between ranks to place them.
pub(super) struct Activations {
    setup: Setup,
    values: Vec<Activation>,
    pub(super) transfers: Vec<Transfer>,
}

struct Activation {
    layout: Layout,
    features: i64,
    producer: String,
    /// Whether a backward comes this way.
    differentiable: bool,
    /// How it was read, and the transfer that readers of one kind share.
    read: Vec<(Reading, Option<usize>)>,
}

impl Activations {
    /// None but what the model is given, which every rank holds and no gradient reaches.
    pub(super) fn new(setup: Setup) -> (Self, Value) {
        let mut activations = Self {
            setup,
            values: Vec::new(),
            transfers: Vec::new(),
        };
        let layout = Layout::new(Placement::Replicate);
        let input = activations.push(layout, 0, "the model's input");
        activations.values[input.0].differentiable = false;
        (activations, input)
    }

    fn push(&mut self, layout: Layout, features: i64, producer: &str) -> Value {
        self.values.push(Activation {
            layout,
            features,
            producer: producer.to_owned(),
            differentiable: true,
            read: Vec::new(),
        });
        Value(self.values.len() - 1)
    }

    /// How many ranks there are.
    pub(super) fn ranks(&self) -> usize {
        self.setup.degree.get()
    }

    pub(super) fn placement(&self, value: Value) -> Placement {
        self.values[value.0].layout.placement()
    }

    pub(super) fn features(&self, value: Value) -> i64 {
        self.values[value.0].features
    }

    pub(super) fn producer(&self, value: Value) -> &str {
        &self.values[value.0].producer
    }

    /// What `producer` makes as `made` and promises as `promised`.
    pub(super) fn give(
        &mut self,
        made: Placement,
        promised: Placement,
        features: i64,
        producer: &str,
    ) -> Result<Value> {
        let (made, promised) = (made.normalized(DIMENSIONS), promised.normalized(DIMENSIONS));
        let giving = Layout::give(made, promised)
            .map_err(|error| PlacementError::no_redistribution(error, producer, producer))?;
        if let Giving::Now(..) = giving {
            let value = self.push(Layout::new(made), features, producer);
            self.read(value, Reading::alike(promised), producer, "output")?;
        }
        Ok(self.push(giving.layout(), features, producer))
    }

    /// The value for computation that gives back a gradient placed like the value itself.
    pub(super) fn local(&mut self, value: Value) -> Result<()> {
        let producer = self.producer(value).to_owned();
        let reading = self.values[value.0].layout.as_placed();
        self.read(value, reading, &producer, "output")
    }

    /// The value as `reader` wants it; readers that want the same share one transfer.
    pub(super) fn read(
        &mut self,
        value: Value,
        reading: Reading,
        reader: &str,
        operand: &'static str,
    ) -> Result<()> {
        let activation = &self.values[value.0];
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
            self.local(value)?;
        }
        let activation = &mut self.values[value.0];
        let mut redistribution = access.redistribution;
        if !activation.differentiable {
            redistribution.backward = Collective::Identity;
        }
        let Redistribution { forward, backward } = redistribution;
        let transfer = (forward.communicates() || backward.communicates()).then(|| {
            self.transfers.push(Transfer {
                modules: vec![reader.to_owned()],
                operand,
                redistribution,
                bytes: self.setup.activation_bytes(activation.features),
            });
            self.transfers.len() - 1
        });
        activation.read.push((reading, transfer));
        Ok(())
    }

    /// Bytes of what layers give, sum and gather in a forward, on rank 0.
    pub(super) fn rank_bytes(&self) -> u64 {
        let is_gather = |transfer: &usize| {
            let forward = self.transfers[*transfer].redistribution.forward;
            matches!(forward, Collective::AllGather(_))
        };
        let kept = |activation: &Activation| {
            let bytes = |placement| {
                let features = activation.features;
                self.setup.rank_activation_bytes(features, placement)
            };
            let given = match activation.layout.stored() {
                // Reduced where it lies: what becomes of it is counted as itself.
                Placement::Partial => 0,
                stored => bytes(stored),
            };
            let transfers = activation.read.iter().filter_map(|(_, transfer)| *transfer);
            let gathers = transfers.filter(is_gather).count() as u64;
            given + gathers * bytes(Placement::Replicate)
        };
        self.values.iter().map(kept).sum()
    }

    /// Elementwise work on `first` and another value.
    pub(super) fn join(
        &mut self,
        first: Value,
        second: Value,
        operation: &'static str,
    ) -> Result<Value> {
        let (left, right) = (self.values[first.0].layout, self.values[second.0].layout);
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
        Ok(self.push(layout, self.features(first), &producer))
    }

    /// The backward's sum of the gradient of a replicated parameter, which sharded activations met.
    pub(super) fn sum_gradient(&mut self, shape: &[i64], module: &str, leaf: &'static str) {
        self.transfers.push(Transfer {
            modules: vec![module.to_owned()],
            operand: leaf,
            redistribution: Redistribution {
                forward: Collective::Identity,
                backward: Collective::AllReduce,
            },
            bytes: self.setup.dtype.tensor_bytes(shape),
        });
    }
}
