//! Rotations of queries and keys in one pass.

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::tensor::{are_plain, owned};

unsafe extern "C" {
    fn tp_rotate(
        input: *const C_tensor,
        cosines: *const C_tensor,
        sines: *const C_tensor,
    ) -> *mut C_tensor;
}

/// Each pair of the first `width` features (`i`, `i + width / 2`) rotated; `None` for tensors that the kernel does not
/// take: it takes contiguous f32 on the CPU. Autograd does not record it.
///
/// # Shapes
/// `[batch, sequence, heads, head_dim]`, cosines and sines `[sequence, 1, width]` or `[batch, sequence, 1, width]`,
/// the sines of the first half negated → as the first
///
/// # Errors
/// When there is no memory left.
pub fn rotate(
    input: &Tensor,
    cosines: &Tensor,
    sines: &Tensor,
) -> Result<Option<Tensor>, TchError> {
    let fits = match (&input.size()[..], &cosines.size()[..]) {
        ([batch, sequence, _, features], [rows @ .., places, 1, width]) => {
            let rows_fit = rows.is_empty() || rows == [*batch];
            rows_fit && sequence == places && width <= features && width % 2 == 0
        }
        _ => false,
    };
    let fits = fits && cosines.size() == sines.size();
    if !(fits && are_plain(&[input, cosines, sines])) {
        return Ok(None);
    }
    // SAFETY: the tensors outlive the call, and are of the kind, layout and sizes that the kernel reads; what it
    // returns is owned.
    unsafe { owned(tp_rotate(input.as_ptr(), cosines.as_ptr(), sines.as_ptr())) }.map(Some)
}
