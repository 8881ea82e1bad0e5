//! What one layer makes of its input under its style, with no sizes.

use super::fault::Problem;
use super::value::{Producer, Value};
use crate::lookup::Cell;
use crate::{Layout, Makes, Mode, ModuleKind, Path, Placement, Reading, Reads, Rule};

/// What the layer at `path` gives for `input`.
pub(super) const fn layer(
    mode: Mode,
    kind: ModuleKind,
    path: Path<'static>,
    cell: Option<Cell<'_>>,
    input: &Value,
) -> Result<Value, Problem> {
    let producer = Producer::new(path, kind, mode, cell, &input.producer);
    let Some(rule) = rule(&producer) else {
        return Ok(Value::UNKNOWN); // a style that does not fit is a fault of its own
    };
    let Ok(read) = read(rule, &producer, input) else {
        return Err(Problem::Input {
            // The reader's own row, if it has one, else that which decides how its input is placed.
            item: match cell {
                Some(Cell {
                    item: Some(item), ..
                }) => Some(item),
                _ => input.producer.item,
            },
            reader: producer,
            input: *input,
        });
    };
    let is_norm = matches!(kind, ModuleKind::Norm);
    Ok(match rule.reads {
        // They reach the activations beside the flow.
        Reads::Aside => *input,
        // It gives what it is given: what decides that is its row, or the layer before.
        Reads::Rows if is_norm && cell.is_none() => input.outside(),
        reads => Value {
            layout: given(rule, &producer, read),
            producer,
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

/// How the layer reads `input`; `None` where nothing is known of that.
const fn read(rule: &Rule, layer: &Producer, input: &Value) -> Result<Option<Reading>, Placement> {
    let Some(layout) = input.layout else {
        return Ok(None);
    };
    let expected = match layer.style {
        Some(style) => style.input,
        None => Placement::Replicate,
    };
    // A norm of each head by itself runs on whichever heads are here; whether it is one, only sizes
    // tell.
    let is_of_heads = matches!(layer.kind, ModuleKind::Norm) && input.may_be_heads;
    let dimensions = if is_of_heads { 4 } else { 3 };
    match (
        rule.reads.reading(layout.placement(), expected, dimensions),
        rule.reads,
    ) {
        (Ok(_), Reads::Ids | Reads::Aside) => Ok(None),
        (Ok(reading), _) => Ok(Some(reading)),
        (Err(expected), _) => Err(expected),
    }
}

/// How the layer's output is placed.
const fn given(rule: &Rule, layer: &Producer, read: Option<Reading>) -> Option<Layout> {
    let made = match (rule.makes, read) {
        (Makes::Placed(made), _) => Some(made.normalized(3)),
        (Makes::AsRead, Some(reading)) => Some(reading.to),
        (Makes::AsRead, None) => None,
    };
    match (made, layer.style) {
        (Some(made), Some(style)) => {
            let promised = style.output.normalized(3);
            match Layout::give(made, promised) {
                Ok(giving) => Some(giving.layout()),
                Err(_) => Some(Layout::new(promised)),
            }
        }
        (None, Some(style)) => Some(Layout::new(style.output.normalized(3))),
        (Some(made), None) => Some(Layout::new(made)),
        (None, None) => None,
    }
}
