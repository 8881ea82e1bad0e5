//! What one layer makes of its input under its style, with no sizes.

use super::activation::{Activation, Producer};
use super::conflict::ConflictKind;
use crate::lookup::FoundRow;
use crate::{Layout, Makes, Mode, ModuleKind, Path, Placement, Reading, Reads, Rule, Style};

/// Makes of `activation`, its input, what the layer at `path` gives.
///
/// # Errors
/// When the layer cannot read the input.
pub(super) const fn layer(
    mode: Mode,
    kind: ModuleKind,
    path: &Path<'static>,
    found: Option<FoundRow<'_>>,
    activation: &mut Activation,
) -> Result<(), ConflictKind> {
    let style = match found {
        Some(found) => found.row.style(mode),
        None => None,
    };
    let Some(rule) = rule(kind, style) else {
        *activation = Activation::UNKNOWN; // a style that does not fit is a fault of its own
        return Ok(());
    };
    // They reach the activations beside the flow.
    if matches!(rule.reads, Reads::Aside) {
        return Ok(());
    }
    let is_norm = matches!(kind, ModuleKind::Norm);
    // A norm of each head by itself runs on whichever heads are here; whether it is one, only sizes
    // tell.
    let dimensions = if is_norm && activation.may_be_heads {
        4
    } else {
        3
    };
    let Ok(read) = read(rule, style, activation.layout, dimensions) else {
        return Err(ConflictKind::Input {
            // The reader's own row, if it has one, else that which decides how its input is placed.
            item: match found {
                Some(FoundRow {
                    item: Some(item), ..
                }) => Some(item),
                _ => activation.producer.item,
            },
            reader: Producer::new(path, kind, style, found, &activation.producer),
            input: *activation,
        });
    };
    activation.layout = given(rule, style, read);
    activation.may_be_heads = !is_norm && !matches!(rule.reads, Reads::Ids);
    // A norm without a row gives what it is given: what decides that is the layer before.
    if !is_norm || found.is_some() {
        activation.producer = Producer::new(path, kind, style, found, &activation.producer);
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
