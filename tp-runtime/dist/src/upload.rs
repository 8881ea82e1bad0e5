//! Copies to a GPU that nobody waits for.

use tch::{Device, TchError, Tensor};

use crate::ffi::pinned;

/// The tensor on `device`. A copy from the CPU to a GPU goes through pinned memory, so that this thread goes
/// on at once; what is computed from it there comes after it by itself.
///
/// # Errors
/// When libtorch refuses the copy, such as for want of memory.
pub fn upload(tensor: &Tensor, device: Device) -> Result<Tensor, TchError> {
    match (tensor.device(), device) {
        (Device::Cpu, Device::Cuda(_)) if tensor.numel() > 0 => {
            let (non_blocking, copy) = (true, false);
            pinned(tensor)?.f_to_device_(device, tensor.f_kind()?, non_blocking, copy)
        }
        _ => tensor.f_to_device(device),
    }
}
