//! Memory that a GPU reads while the processor goes on.

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::tensor::owned;

unsafe extern "C" {
    fn tp_pinned(tensor: *const C_tensor) -> *mut C_tensor;
}

/// A copy of a CPU tensor in pinned memory.
pub(crate) fn pinned(tensor: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: the tensor outlives the call, and what it returns is owned.
    unsafe { owned(tp_pinned(tensor.as_ptr())) }
}
