//! What every norm does with its place in the plan: which rows of the input it reads and gives.

use tch::Tensor;

use super::Placed;
use crate::Result;
use crate::dtensor::DTensor;
use crate::plan::{Placement, StyleKind};

/// Normalizes the last dimension by `compute`, which is given the local input and how it lies.
pub(super) fn forward(
    placed: &Placed,
    input: &DTensor,
    compute: impl FnOnce(Tensor, Placement) -> Tensor,
) -> Result<DTensor> {
    let (local, activations, output) = match placed.style {
        None => {
            let placement = input.placement();
            (placed.read_rows(input)?, placement, placement)
        }
        Some(style) => match style.kind {
            StyleKind::SequenceParallel | StyleKind::SequenceParallelAllGatherActivation => {
                let chunk = placed.read_chunk(input, style.input, style.input)?;
                (chunk, style.input, style.output)
            }
            other => return Err(placed.unfit(other)),
        },
    };
    placed.give(
        compute(local, activations),
        activations,
        input.shape(),
        output,
    )
}
