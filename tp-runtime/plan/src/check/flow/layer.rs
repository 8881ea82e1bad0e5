//! What one layer makes of its input under its style, with no sizes.

use super::fault::Problem;
use super::value::{Producer, Value};
use crate::lookup::Cell;
use crate::{Layout, Makes, Mode, ModuleKind, Path, Placement, Reading, Reads, Rule, Style};

/// Makes of `value`, its input, what the layer at `path` gives.
///
/// # Errors
/// When the layer cannot read the input.
pub(super) const fn layer(
    mode: Mode,
    kind: ModuleKind,
    path: &Path<'static>,
    cell: Option<Cell<'_>>,
    value: &mut Value,
) -> Result<(), Problem> {
    let style = match cell {
        Some(cell) => cell.row.style(mode),
        None => None,
    };
    let Some(rule) = rule(kind, style) else {
        *value = Value::UNKNOWN; // a style that does not fit is a fault of its own
        return Ok(());
    };
    // They reach the activations beside the flow.
    if matches!(rule.reads, Reads::Aside) {
        return Ok(());
    }
    let is_norm = matches!(kind, ModuleKind::Norm);
    // A norm of each head by itself runs on whichever heads are here; whether it is one, only sizes
    // tell.
    let dimensions = if is_norm && value.may_be_heads { 4 } else { 3 };
    let Ok(read) = read(rule, style, value.layout, dimensions) else {
        return Err(Problem::Input {
            // The reader's own row, if it has one, else that which decides how its input is placed.
            item: match cell {
                Some(Cell {
                    item: Some(item), ..
                }) => Some(item),
                _ => value.producer.item,
            },
            reader: Producer::new(path, kind, style, cell, &value.producer),
            input: *value,
        });
    };
    value.layout = given(rule, style, read);
    value.may_be_heads = !is_norm && !matches!(rule.reads, Reads::Ids);
    // A norm without a row gives what it is given: what decides that is the layer before.
    if !is_norm || cell.is_some() {
        value.producer = Producer::new(path, kind, style, cell, &value.producer);
    }
    Ok(())
}

/// The rule of a layer under its style; `None` for a style that does not fit.
const fn rule(kind: ModuleKind, style: Option<Style>) -> Option<&'static Rule> {
    kind.rule(match style {
        Some(style) => Some(style.kind),
        None => None,
    })
}

/// How a layer reads its input; `None` where nothing is known of that.
const fn read(
    rule: &Rule,
    style: Option<Style>,
    input: Option<Layout>,
    dimensions: usize,
) -> Result<Option<Reading>, Placement> {
    let Some(layout) = input else {
        return Ok(None);
    };
    if matches!(rule.reads, Reads::Ids) {
        return Ok(None);
    }
    let expected = match style {
        Some(style) => style.input,
        None => Placement::Replicate,
    };
    match rule.reads.reading(layout.placement(), expected, dimensions) {
        Ok(reading) => Ok(Some(reading)),
        Err(expected) => Err(expected),
    }
}

/// How a layer's output is placed.
const fn given(rule: &Rule, style: Option<Style>, read: Option<Reading>) -> Option<Layout> {
    let made = match (rule.makes, read) {
        (Makes::Placed(made), _) => Some(made.normalized(3)),
        (Makes::AsRead, Some(reading)) => Some(reading.to),
        (Makes::AsRead, None) => None,
    };
    let Some(style) = style else {
        return match made {
            Some(made) => Some(Layout::new(made)),
            None => None,
        };
    };
    let promised = style.output.normalized(3);
    let Some(made) = made else {
        return Some(Layout::new(promised));
    };
    match Layout::give(made, promised) {
        Ok(giving) => Some(giving.layout()),
        Err(_) => Some(Layout::new(promised)),
    }
}
