//! Memory that a GPU reads while the processor goes on.

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::error::last_error;

unsafe extern "C" {
    fn tp_pinned(tensor: *const C_tensor) -> *mut C_tensor;
}

/// A copy of a CPU tensor in pinned memory.
pub(crate) fn pinned(tensor: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: the tensor outlives the call.
    let pinned = unsafe { tp_pinned(tensor.as_ptr()) };
    if pinned.is_null() {
        return Err(last_error());
    }
    // SAFETY: the shim returned an owned `at::Tensor`, which is what `Tensor` frees.
    Ok(unsafe { Tensor::from_ptr(pinned) })
}
