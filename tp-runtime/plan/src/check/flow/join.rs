//! Two activations that are computed with element by element.

use super::fault::Problem;
use super::value::Value;
use crate::flow::Meeting;

/// What `first` and `second` make; the first is the residual stream, if there is one.
pub(super) const fn join(
    meeting: Meeting,
    first: &Value,
    second: &Value,
) -> Result<Value, Problem> {
    let (Some(left), Some(right)) = (first.layout, second.layout) else {
        return Ok(match first.layout {
            Some(_) => first.outside(),
            None => second.outside(),
        });
    };
    match left.join(right) {
        Ok(layout) => Ok(Value {
            layout: Some(layout),
            ..first.outside()
        }),
        Err(_) => Err(Problem::Join {
            meeting,
            first: *first,
            second: *second,
        }),
    }
}
