//! What the tensors of a trainer take between two steps, for the tests of what `explain` says.

use tch::Tensor;

use super::trainer::Trainer;
use super::unit::Unit;

/// Bytes of a rank's tensors, by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateBytes {
    /// Parameters in the model's type.
    pub parameters: u64,
    /// What the optimizer updates, where parameters are in another type.
    pub master: u64,
    /// What the optimizer keeps.
    pub moments: u64,
    /// Gradients.
    pub gradients: u64,
}

impl Trainer {
    /// What its tensors take.
    pub fn state_bytes(&self) -> StateBytes {
        let mut sum = StateBytes::default();
        for unit in &self.units {
            unit.add_bytes(&mut sum);
        }
        // What stays as it is lies where it was loaded, unless ranks divide it.
        let parameters = self.model.parameters().into_iter();
        let loaded =
            parameters.filter(|named| named.param.is_frozen() && named.param.keeper().is_none());
        sum.parameters += loaded.map(|named| bytes(&named.param.local())).sum::<u64>();
        let state = self.optimizer.state();
        sum.moments = (state.iter().flat_map(|(_, tensors)| *tensors))
            .map(bytes)
            .sum();
        sum
    }
}

impl Unit {
    fn add_bytes(&self, sum: &mut StateBytes) {
        let (weights, gradients) = (self.weights.borrow(), self.gradients.borrow());
        sum.parameters += weights.iter().map(bytes).sum::<u64>();
        sum.gradients += gradients.iter().map(bytes).sum::<u64>();
        let apart = |own: &[Tensor], buffer: &Option<Tensor>| -> u64 {
            let apart = own.iter().filter(|own| !is_part(own, buffer.as_ref()));
            apart.map(bytes).sum()
        };
        let own = apart(&self.own, &weights);
        match self.has_master() {
            true => sum.master += own,
            false => sum.parameters += own,
        }
        sum.gradients += apart(self.own_gradients(), &gradients);
    }
}

fn bytes(tensor: &Tensor) -> u64 {
    (tensor.numel() * tensor.kind().elt_size_in_bytes()) as u64
}

/// Whether a tensor lies in a buffer.
fn is_part(tensor: &Tensor, buffer: Option<&Tensor>) -> bool {
    let Some(buffer) = buffer else {
        return false;
    };
    let start = buffer.data_ptr() as usize;
    let end = start + bytes(buffer) as usize;
    (start..end).contains(&(tensor.data_ptr() as usize))
}
