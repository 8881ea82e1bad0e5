//! The collectives of a cross entropy on the model's logits.

use super::Setup;
use super::activations::{ActivationId, Activations, DIMENSIONS};
use super::call::CollectiveCall;
use crate::Result;
use crate::plan::{Collective, FEATURES, Placement, Reading};

/// Bytes of the 32-bit floats a loss is computed in.
const F32: u64 = 4;

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
