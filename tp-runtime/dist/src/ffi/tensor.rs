//! Tensors that the shim takes and gives away.

use tch::{Device, Kind, TchError, Tensor};
use torch_sys::C_tensor;

use super::error::last_error;

/// The tensor that a function of the shim has returned, or its error where that is null.
///
/// # Safety
/// `pointer` is null, or an owned `at::Tensor` that nobody else frees.
pub(super) unsafe fn owned(pointer: *mut C_tensor) -> Result<Tensor, TchError> {
    if pointer.is_null() {
        return Err(last_error());
    }
    // SAFETY: as the caller says; an owned `at::Tensor` is what `Tensor` frees.
    Ok(unsafe { Tensor::from_ptr(pointer) })
}

/// Whether a kernel that reads memory itself can read them: contiguous f32 on the CPU.
pub(super) fn are_plain(tensors: &[&Tensor]) -> bool {
    let is_plain = |tensor: &&Tensor| {
        tensor.device() == Device::Cpu && tensor.kind() == Kind::Float && tensor.is_contiguous()
    };
    tensors.iter().all(is_plain)
}
