//! What one layer takes and gives under its style: the rules of `explain`, without sizes.

use super::fault::Problem;
use super::value::{Producer, Value, canonical};
use crate::check::cell::Cell;
use crate::check::path::Path;
use crate::{Makes, Mode, ModuleKind, Placement, Reads, Rule};

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
    let Some(rule) = rule(&reader) else {
        return Ok(Value::UNKNOWN);
    };
    let placement = match (reader.style, rule.makes) {
        (Some(style), _) => Some(canonical(style.output)),
        (None, Makes::Placed(made)) => Some(made),
        (None, Makes::AsRead) => input.placement,
    };
    let is_norm = matches!(kind, ModuleKind::Norm);
    Ok(match rule.reads {
        // They reach the activations beside the flow.
        Reads::Aside => *input,
        // It gives what it is given: what decides that is its row, or the layer before.
        Reads::Rows if is_norm && cell.is_none() => input.outside(),
        reads => Value {
            placement,
            producer: reader,
            may_be_heads: !is_norm && !matches!(reads, Reads::Ids),
        },
    })
}

/// The rule of the layer under its style; `None` for a style that does not fit.
const fn rule(layer: &Producer) -> Option<&'static Rule> {
    layer.kind.rule(match layer.style {
        Some(style) => Some(style.kind),
        None => None,
    })
}

/// Whether the layer computes what is meant on `input`, or on what is gathered of it.
const fn takes(reader: &Producer, input: &Value) -> bool {
    let (Some(found), Some(rule)) = (input.placement, rule(reader)) else {
        return true;
    };
    let expected = match reader.style {
        Some(style) => style.input,
        None => Placement::Replicate,
    };
    // A norm of each head by itself runs on whichever heads are here; whether it is one, only sizes
    // tell.
    let is_of_heads = matches!(reader.kind, ModuleKind::Norm) && input.may_be_heads;
    let dimensions = if is_of_heads { 4 } else { 3 };
    let reading = rule
        .reads
        .reading(found.normalized(3), expected, dimensions);
    reading.is_ok()
}
