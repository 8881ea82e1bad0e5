//! Activations as placements: what `DTensor` does to tensors, done to their descriptions.

use super::Setup;
use super::call::Transfer;
use crate::Result;
use crate::plan::{Collective, Placement, PlacementError, Redistribution};

/// Dimensions of an activation: batch, sequence, features.
pub(super) const DIMENSIONS: usize = 3;

/// The last dimension of an activation.
pub(super) const FEATURES: Placement = Placement::Shard(DIMENSIONS as i64 - 1);

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
    /// How the ranks hold it.
    stored: Placement,
    /// What readers are promised; a pending gather is done by the first of them.
    placement: Placement,
    features: i64,
    producer: String,
    /// Whether a backward comes this way.
    differentiable: bool,
    /// The placements and gradients it was read with, and the transfer each shares.
    read: Vec<(Placement, Placement, Option<usize>)>,
}

impl Activations {
    /// None but what the model is given, which every rank holds and no gradient reaches.
    pub(super) fn new(setup: Setup) -> (Self, Value) {
        let mut activations = Self {
            setup,
            values: Vec::new(),
            transfers: Vec::new(),
        };
        let input = activations.push(
            Placement::Replicate,
            Placement::Replicate,
            0,
            "the model's input",
        );
        activations.values[input.0].differentiable = false;
        (activations, input)
    }

    fn push(
        &mut self,
        stored: Placement,
        placement: Placement,
        features: i64,
        producer: &str,
    ) -> Value {
        self.values.push(Activation {
            stored,
            placement,
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
        self.values[value.0].placement
    }

    pub(super) fn features(&self, value: Value) -> i64 {
        self.values[value.0].features
    }

    pub(super) fn producer(&self, value: Value) -> &str {
        &self.values[value.0].producer
    }

    /// What `producer` makes as `placement` and promises as `promised`: a sum is taken at once, a
    /// gather waits for its first reader.
    pub(super) fn give(
        &mut self,
        placement: Placement,
        promised: Placement,
        features: i64,
        producer: &str,
    ) -> Result<Value> {
        let (made, promised) = (
            placement.normalized(DIMENSIONS),
            promised.normalized(DIMENSIONS),
        );
        let pending = matches!(made, Placement::Shard(_)) && promised == Placement::Replicate;
        if made == promised || pending {
            return Ok(self.push(made, promised, features, producer));
        }
        let value = self.push(made, made, features, producer);
        self.read(value, promised, Placement::Replicate, producer, "output")?;
        Ok(self.push(promised, promised, features, producer))
    }

    /// The value for computation that gives back a gradient placed like the value itself.
    pub(super) fn local(&mut self, value: Value) -> Result<()> {
        let producer = self.producer(value).to_owned();
        let placement = self.placement(value);
        self.read(value, placement, Placement::Replicate, &producer, "output")
    }

    /// The value placed `to`, for a `reader` that gives back a gradient placed `gradient`.
    ///
    /// Readers that agree on both share one transfer.
    pub(super) fn read(
        &mut self,
        value: Value,
        to: Placement,
        gradient: Placement,
        reader: &str,
        operand: &'static str,
    ) -> Result<()> {
        let to = to.normalized(DIMENSIONS);
        let activation = &mut self.values[value.0];
        let known = activation.read.iter().find(|(place, grad, _)| {
            *place == to && (to != Placement::Replicate || *grad == gradient)
        });
        if let Some((.., shared)) = known {
            if let Some(transfer) = shared {
                let modules = &mut self.transfers[*transfer].modules;
                if !modules.iter().any(|module| module == reader) {
                    modules.push(reader.to_owned());
                }
            }
            return Ok(());
        }
        let from = self.leading_to(value, to)?;
        let activation = &mut self.values[value.0];
        let mut redistribution = Redistribution::new(from, to, gradient).map_err(|_| {
            PlacementError::NoRedistribution {
                producer: activation.producer.clone(),
                from,
                reader: reader.to_owned(),
                to,
            }
        })?;
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
        activation.read.push((to, gradient, transfer));
        Ok(())
    }

    /// What is held, or gathered first where a chunk of another dimension is wanted of what was
    /// promised whole.
    fn leading_to(&mut self, value: Value, to: Placement) -> Result<Placement> {
        let Activation {
            stored, placement, ..
        } = self.values[value.0];
        match (stored, to) {
            (Placement::Shard(held), Placement::Shard(wanted))
                if held != wanted && placement == Placement::Replicate =>
            {
                self.local(value)?;
                Ok(placement)
            }
            (stored, _) => Ok(stored),
        }
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
            let given = match activation.stored {
                // Reduced where it lies: what becomes of it is counted as itself.
                Placement::Partial => 0,
                stored => bytes(stored),
            };
            let transfers = activation
                .read
                .iter()
                .filter_map(|(.., transfer)| *transfer);
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
        for value in [first, second] {
            if self.placement(value) == Placement::Partial {
                let producer = self.producer(value).to_owned();
                return Err(PlacementError::PartialOperand {
                    producer,
                    operation,
                }
                .into());
            }
        }
        if self.placement(first) != self.placement(second) {
            return Err(PlacementError::Operands {
                operation,
                left: self.producer(first).to_owned(),
                left_placement: self.placement(first),
                right: self.producer(second).to_owned(),
                right_placement: self.placement(second),
            }
            .into());
        }
        self.local(second)?;
        self.local(first)?;
        let placement = self.placement(first);
        let producer = self.producer(first).to_owned();
        Ok(self.push(placement, placement, self.features(first), &producer))
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
