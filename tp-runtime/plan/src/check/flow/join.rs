//! Two activations that are computed with element by element.

use super::fault::{Meeting, Problem};
use super::value::Value;
use crate::Placement;

/// What `first` and `second` make; the first is the residual stream, if there is one.
pub(super) const fn join(
    meeting: Meeting,
    first: &Value,
    second: &Value,
) -> Result<Value, Problem> {
    let (Some(left), Some(right)) = (first.placement, second.placement) else {
        return Ok(match first.placement {
            Some(_) => first.outside(),
            None => second.outside(),
        });
    };
    if left.same(right) && !matches!(left, Placement::Partial) {
        return Ok(first.outside());
    }
    Err(Problem::Join {
        meeting,
        first: *first,
        second: *second,
    })
}
