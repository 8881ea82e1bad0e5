//! Two activations that are computed with element by element.

use super::activation::Activation;
use super::conflict::ConflictKind;
use crate::flow::JoinKind;

/// What `first` and `second` make; the first is the residual stream, if there is one.
pub(super) const fn join(
    kind: JoinKind,
    first: &Activation,
    second: &Activation,
) -> Result<Activation, ConflictKind> {
    let (Some(left), Some(right)) = (first.layout, second.layout) else {
        return Ok(match first.layout {
            Some(_) => first.outside(),
            None => second.outside(),
        });
    };
    match left.join(right) {
        Ok(layout) => Ok(Activation {
            layout: Some(layout),
            ..first.outside()
        }),
        Err(_) => Err(ConflictKind::Join {
            kind,
            first: *first,
            second: *second,
        }),
    }
}
