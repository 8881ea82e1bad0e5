//! Linear layers by the fastest product there is.

use std::ptr::null;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::tensor::owned;

unsafe extern "C" {
    fn tp_linear(
        input: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
    ) -> *mut C_tensor;
}

/// `x Wᵀ + b`, as `torch.nn.functional.linear`.
///
/// On the CPU, a few rows that autograd does not record are multiplied by a kernel that reads the weight once, and
/// where the processor is not Intel's, f32 goes to oneDNN instead of MKL.
///
/// # Shapes
/// `[.., in]`, weight `[out, in]`, bias `[out]` → `[.., out]`
///
/// # Errors
/// When libtorch refuses the tensors.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
    let bias = bias.map_or(null(), Tensor::as_ptr);
    // SAFETY: the tensors outlive the call, and what it returns is owned.
    unsafe { owned(tp_linear(input.as_ptr(), weight.as_ptr(), bias)) }
}
