//! Two activations that are computed with element by element.

use super::activation::Activation;

/// Makes `first`, the residual stream if there is one, what both make; whether they meet.
pub(super) const fn join(first: &mut Activation, second: &Activation) -> bool {
    first.may_be_heads = false;
    let Some(right) = second.layout else {
        return true;
    };
    let Some(left) = first.layout else {
        *first = *second;
        first.may_be_heads = false;
        return true;
    };
    match left.join(right) {
        Ok(layout) => {
            first.layout = Some(layout);
            true
        }
        Err(_) => false,
    }
}
