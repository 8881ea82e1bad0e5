//! The collectives and the memory of a cross entropy on the model's logits.

use super::activations::{ActivationId, Activations, DIMENSIONS};
use super::call::CollectiveCall;
use super::{Dtype, Setup};
use crate::Result;
use crate::plan::{Collective, FEATURES, Placement, Reading};

/// Bytes of the 32-bit floats a loss is computed in.
const F32: u64 = Dtype::F32.bytes();

/// What a loss holds on a rank besides what the model's layers do.
#[derive(Clone, Copy, Debug)]
pub(super) struct LossMemory {
    /// The logits, which are gone before the backward.
    pub(super) logits: u64,
    /// What it keeps for its backward: exponentials in f32.
    pub(super) saved: u64,
    /// What it needs while it computes them, or their gradient.
    pub(super) working: u64,
}

/// What the loss of these logits holds.
pub(super) fn memory(activations: &Activations, logits: ActivationId) -> LossMemory {
    let (view, dtype) = (activations.view, activations.view.setup.dtype);
    let bytes = |placement| view.activation_bytes(activations.features(logits), placement);
    let (stored, placement) = (activations.stored(logits), activations.placement(logits));
    let read = match placement == FEATURES.normalized(DIMENSIONS) {
        true => placement,
        false => Placement::Replicate,
    };
    let in_f32 = bytes(read) / dtype.bytes() * F32;
    let copy = match stored.same(read) || activations.ranks() == 1 {
        true => 0,
        false => bytes(read),
    };
    LossMemory {
        logits: bytes(stored) + copy,
        saved: in_f32,
        working: match dtype {
            Dtype::F32 => in_f32,
            // Logits in f32, too.
            Dtype::Bf16 => 2 * in_f32,
        },
    }
}

/// What the loss communicates; its backward communicates nothing.
///
/// On logits sharded over the vocabulary, two numbers a position; others are made whole first.
pub(super) fn calls(
    activations: &mut Activations,
    logits: ActivationId,
    setup: Setup,
) -> Result<Vec<CollectiveCall>> {
    let producer = activations.producer(logits).to_owned();
    if activations.placement(logits) == FEATURES.normalized(DIMENSIONS) {
        let positions = setup.batch * setup.sequence * F32;
        let call = |operand, bytes| CollectiveCall {
            collective: Collective::AllReduce,
            modules: vec![producer.clone()],
            operand,
            bytes,
        };
        return Ok(vec![
            call("maximum of the logits", positions),
            call("sum of exponentials and the label's logit", 2 * positions),
        ]);
    }
    let before = activations.transfers.len();
    let whole = Reading::alike(Placement::Replicate);
    activations.read(logits, whole, &producer, "logits")?;
    let gathered = activations.transfers.split_off(before);
    Ok(gathered
        .iter()
        .filter_map(|transfer| transfer.forward())
        .collect())
}
