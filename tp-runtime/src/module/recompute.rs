//! Layers that are run again in the backward (activation checkpointing, Chen et al. 2016).

use std::rc::Rc;

use send_wrapper::SendWrapper;
use tch::Tensor;

use super::unread::run_for_gradients;
use super::{Keeper, Module};
use crate::Result;
use crate::autograd::{backward, is_recorded, is_recording, with_backward};
use crate::dropout::DropoutKey;
use crate::dtensor::DTensor;

/// Runs the layer at `index`, and keeps its input alone: the backward runs it again for the gradients.
///
/// `forward` is called twice, and has to compute the same from the same input. What it captures has no
/// gradient. Weights that data-parallel ranks divide are here while it runs.
///
/// # Errors
/// When `forward` fails, or a collective does.
pub fn recompute<M: Module>(
    layers: &Rc<[M]>,
    index: usize,
    x: &DTensor,
    forward: impl Fn(&M, &DTensor) -> Result<DTensor> + 'static,
) -> Result<DTensor> {
    let keepers = keepers(&layers[index]);
    let input = x.with_stored(x.stored().f_detach()?);
    let first = tch::no_grad(|| {
        keepers.iter().try_for_each(|keeper| keeper.gather(false))?;
        forward(&layers[index], &input)
    });
    keepers.iter().try_for_each(|keeper| keeper.release())?;
    let output = first?;
    let is_input_recorded = is_recorded(x.stored());
    let is_trained = || {
        super::parameters(&layers[index])
            .iter()
            .any(|named| !named.param.is_frozen())
    };
    if !is_recording() || !(is_input_recorded || is_trained()) {
        return Ok(output);
    }
    // Of an input without a gradient, such as a frozen embedding's, the layer's weights still want theirs.
    let from = match is_input_recorded {
        true => x.stored().shallow_clone(),
        false => x.stored().f_detach()?.f_set_requires_grad(true)?,
    };
    // On a rank, backward runs on the thread that runs forward.
    let again = SendWrapper::new((layers.clone(), input, forward, DropoutKey::current()));
    let run_again = move |gradient: Tensor| -> Result<Tensor> {
        let (layers, input, forward, key) = &*again;
        let layer = &layers[index];
        let keepers = self::keepers(layer);
        let leaf = input
            .stored()
            .f_detach()?
            .f_set_requires_grad(is_input_recorded)?;
        keepers.iter().try_for_each(|keeper| keeper.gather(true))?;
        let run = || forward(layer, &input.with_stored(leaf.shallow_clone()));
        let run = || DropoutKey::during(key.clone(), run);
        let output = tch::with_grad(|| run_for_gradients(layer, run))?;
        backward(output.stored(), &gradient)?;
        keepers.iter().try_for_each(|keeper| keeper.release())?;
        match is_input_recorded {
            true => Ok(leaf.f_grad()?),
            false => Ok(leaf.f_zeros_like()?), // nobody reads it
        }
    };
    let stored = with_backward(&from, output.stored().shallow_clone(), run_again)?;
    Ok(output.with_stored(stored))
}

/// Who has the weights of a layer where this rank has only a part of them.
fn keepers<M: Module>(layer: &M) -> Vec<Rc<dyn Keeper>> {
    let mut keepers: Vec<Rc<dyn Keeper>> = Vec::new();
    for named in super::parameters(layer) {
        if let Some(keeper) = named.param.keeper()
            && !keepers.iter().any(|known| Rc::ptr_eq(known, &keeper))
        {
            keepers.push(keeper);
        }
    }
    keepers
}
