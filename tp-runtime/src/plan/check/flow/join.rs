//! Two activations that are computed with element by element.

use super::Fault;
use super::message;
use super::value::Value;
use crate::plan::{Mode, Placement};

/// Where two activations meet.
#[derive(Clone, Copy)]
pub(super) enum Meeting {
    /// A branch is added to the residual stream.
    Residual,
    /// Branches that one layer reads, or that are multiplied before it does.
    Branches,
}

/// What `first` and `second` make; the first is the residual stream, if there is one.
pub(super) const fn join(
    mode: Mode,
    meeting: Meeting,
    first: Value,
    second: Value,
) -> Result<Value, Fault> {
    let (Some(left), Some(right)) = (first.placement, second.placement) else {
        return Ok(match first.placement {
            Some(_) => first.outside(),
            None => second.outside(),
        });
    };
    if left.same(right) && !matches!(left, Placement::Partial) {
        return Ok(first.outside());
    }
    Err(Fault {
        // The second has to follow the first, unless it has no row to say so.
        item: match (second.producer.style, first.producer.style) {
            (None, Some(_)) => either(first.producer.item, second.producer.item),
            _ => either(second.producer.item, first.producer.item),
        },
        message: message::join(mode, meeting, &first, &second),
    })
}

const fn either(item: Option<usize>, other: Option<usize>) -> Option<usize> {
    match item {
        Some(_) => item,
        None => other,
    }
}
