//! The checks of single rows for a plan that is read while a program runs.

use super::{apart, base, layer, style};
use crate::{Item, Mode, Plan, Row, Text, pattern};

/// What rustc would say of each row that names no module, fits none, or names one that another row names.
///
/// How the layouts of the rows meet is for [`Flow`](super::Flow).
pub fn faults(plan: &Plan) -> Vec<String> {
    let items = plan.items.iter().enumerate();
    let faults = items.filter_map(|(index, item)| match item {
        Item::Row(row) => fault(plan, index, row).err(),
        Item::Include {
            prefix,
            plan: included,
        } => super::check_target(plan.node, prefix, included)
            .and_then(|()| apart(plan, index))
            .err(),
    });
    faults.map(|message| message.as_str().to_owned()).collect()
}

fn fault(plan: &Plan, index: usize, row: &Row) -> Result<(), Text> {
    let kind = layer(plan.node, row)?;
    base::changes(plan, row)?;
    apart(plan, index)?;
    for other in &plan.items[..index] {
        if let Item::Row(other) = other
            && pattern::overlap(other.pattern, row.pattern)
        {
            return Err(Text::of(&[
                "\"",
                row.pattern,
                "\" can name a module that \"",
                other.pattern,
                "\" names: keep one",
            ]));
        }
    }
    for mode in Mode::ALL {
        if let (Some(style), Some(kind)) = (row.style(mode), kind) {
            style::suits(style, kind, row.pattern)?;
        }
    }
    Ok(())
}
