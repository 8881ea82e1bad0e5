//! Root-mean-square norms in one pass.

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::tensor::{are_plain, owned};

unsafe extern "C" {
    fn tp_rms_norm(
        input: *const C_tensor,
        weight: *const C_tensor,
        epsilon: f64,
        offset: f64,
    ) -> *mut C_tensor;
}

/// `input` over the root of its mean square, times `offset` plus the weight; `None` for tensors that the kernel does
/// not take: it takes contiguous f32 on the CPU. Autograd does not record it.
///
/// # Shapes
/// `[.., width]`, weight `[width]` → `[.., width]`
///
/// # Errors
/// When there is no memory left.
pub fn rms_norm(
    input: &Tensor,
    weight: &Tensor,
    epsilon: f64,
    offset: f64,
) -> Result<Option<Tensor>, TchError> {
    let fits = input.size().last() == weight.size().first() && weight.dim() == 1;
    if !(fits && are_plain(&[input, weight])) {
        return Ok(None);
    }
    // SAFETY: the tensors outlive the call, and are of the kind, layout and sizes that the kernel reads; what it
    // returns is owned.
    unsafe {
        owned(tp_rms_norm(
            input.as_ptr(),
            weight.as_ptr(),
            epsilon,
            offset,
        ))
    }
    .map(Some)
}
