//! What one layer takes and gives under its style: the rules of `explain`, without sizes.

use super::fault::Problem;
use super::value::{FEATURES, Producer, Value, canonical, may_be};
use crate::check::cell::Cell;
use crate::check::path::Path;
use crate::{Mode, ModuleKind, Placement, Style, StyleKind};

/// What the layer at `path` gives for `input`.
pub(super) const fn layer(
    mode: Mode,
    kind: ModuleKind,
    path: Path,
    cell: Option<Cell<'_>>,
    input: &Value,
) -> Result<Value, Problem> {
    let reader = Producer::new(path, kind, mode, cell, &input.producer);
    if !takes(&reader, input) {
        return Err(Problem::Input {
            // The reader's own row, if it has one, else that which decides how its input lies.
            item: match cell {
                Some(Cell {
                    item: Some(item), ..
                }) => Some(item),
                _ => input.producer.item,
            },
            reader,
            input: *input,
        });
    }
    Ok(match (kind, reader.style) {
        (ModuleKind::Embedding | ModuleKind::Linear | ModuleKind::Norm, Some(style)) => Value {
            placement: Some(canonical(style.output)),
            producer: reader,
            may_be_heads: matches!(kind, ModuleKind::Linear),
        },
        (ModuleKind::Embedding, None) => Value {
            placement: Some(Placement::Replicate),
            producer: reader,
            may_be_heads: false,
        },
        (ModuleKind::Linear, None) => Value {
            placement: input.placement,
            producer: reader,
            may_be_heads: true,
        },
        // It gives what it is given: what decides that is its row, or the layer before.
        (ModuleKind::Norm, None) if cell.is_some() => Value {
            producer: reader,
            ..input.outside()
        },
        (ModuleKind::Norm, None) => input.outside(),
        // They reach the activations beside the flow.
        (
            ModuleKind::Rotary
            | ModuleKind::Container
            | ModuleKind::Convolution
            | ModuleKind::Parameter,
            _,
        ) => *input,
    })
}

/// Whether the layer computes what is meant on `input`, or on what is gathered of it.
const fn takes(reader: &Producer, input: &Value) -> bool {
    let Some(found) = input.placement else {
        return true;
    };
    match (reader.kind, reader.style) {
        (ModuleKind::Linear, Some(style)) => takes_linear(style, found),
        (ModuleKind::Norm, Some(style)) => may_be(input.placement, canonical(style.input)),
        (ModuleKind::Linear, None) => !matches!(found, Placement::Partial) && !found.same(FEATURES),
        (ModuleKind::Norm, None) => match found {
            Placement::Partial => false,
            // A norm of each head by itself runs on whichever heads are here; whether it is one,
            // only sizes tell.
            _ => input.may_be_heads || !found.same(FEATURES),
        },
        _ => true,
    }
}

const fn takes_linear(style: Style, found: Placement) -> bool {
    // Columns need the whole input: chunks of the sequence are gathered, once for all that read them.
    let is_gathered = matches!(style.kind, StyleKind::Colwise)
        && matches!(found, Placement::Replicate | Placement::Shard(1));
    is_gathered || found.same(canonical(style.input))
}
