//! The tensors that autograd saves for the backward, on one rank.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::activations::ActivationId;
use crate::plan::Placement;

/// What autograd saves of a forward, each tensor once, and what its backward makes besides.
#[derive(Default)]
pub(super) struct SavedTensors {
    saved: Vec<Saved>,
    /// The layers of lists, with what each is given.
    layers: Vec<(Rc<str>, ActivationId, u64)>,
    /// What the gradients of one step back take at once, at most: outside the layers of lists, and inside.
    gradients: [u64; 2],
}

struct Saved {
    layer: Option<Rc<str>>,
    /// The activation, and how it was placed anew for its reader; `None` for what only this layer has.
    tensor: Option<SharedTensor>,
    bytes: u64,
}

/// An activation, and how it was placed anew for its readers if it was.
pub(super) type SharedTensor = (ActivationId, Option<Placement>);

impl SavedTensors {
    /// The forward goes on to a layer of a list, which reads `input`.
    pub(super) fn enter(&mut self, layer: Rc<str>, input: ActivationId, bytes: u64) {
        self.layers.push((layer, input, bytes));
    }

    /// Saves a tensor that others may save, too.
    pub(super) fn shared(&mut self, layer: Option<Rc<str>>, tensor: SharedTensor, bytes: u64) {
        if !self.saved.iter().any(|known| known.tensor == Some(tensor)) {
            let tensor = Some(tensor);
            self.saved.push(Saved {
                layer,
                tensor,
                bytes,
            });
        }
    }

    /// Saves tensors that nothing else does.
    pub(super) fn own(&mut self, layer: Option<Rc<str>>, bytes: u64) {
        let tensor = None;
        self.saved.push(Saved {
            layer,
            tensor,
            bytes,
        });
    }

    /// Notes gradients that are there at once, some of which are forgotten soon.
    pub(super) fn gradients(&mut self, layer: Option<&Rc<str>>, bytes: u64) {
        let largest = &mut self.gradients[usize::from(layer.is_some())];
        *largest = bytes.max(*largest);
    }

    /// The most that gradients take at once, outside the layers of lists and inside.
    pub(super) fn largest_gradients(&self) -> [u64; 2] {
        self.gradients
    }

    /// The layers of lists, by their paths.
    pub(super) fn layers(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|(layer, _, _)| &**layer)
    }

    /// All that is saved where nothing is recomputed.
    pub(super) fn total(&self) -> u64 {
        self.saved.iter().map(|saved| saved.bytes).sum()
    }

    /// What is saved outside the layers of lists.
    pub(super) fn outside_layers(&self) -> u64 {
        let outside = self.saved.iter().filter(|saved| saved.layer.is_none());
        outside.map(|saved| saved.bytes).sum()
    }

    /// What the layers of lists are given.
    pub(super) fn layer_inputs(&self) -> u64 {
        self.layers.iter().map(|(_, _, bytes)| bytes).sum()
    }

    /// What the largest layer is given.
    pub(super) fn largest_layer_input(&self) -> u64 {
        let inputs = self.layers.iter().map(|(_, _, bytes)| *bytes);
        inputs.max().unwrap_or(0)
    }

    /// What is saved inside one layer of a list besides its input, at most.
    pub(super) fn largest_layer(&self) -> u64 {
        let mut layers: BTreeMap<&str, u64> = BTreeMap::new();
        for saved in &self.saved {
            let Some(layer) = saved.layer.as_deref() else {
                continue;
            };
            if !self.is_input(saved.tensor) {
                *layers.entry(layer).or_default() += saved.bytes;
            }
        }
        layers.into_values().max().unwrap_or(0)
    }

    fn is_input(&self, tensor: Option<SharedTensor>) -> bool {
        let Some((id, None)) = tensor else {
            return false;
        };
        self.layers.iter().any(|(_, input, _)| *input == id)
    }
}
