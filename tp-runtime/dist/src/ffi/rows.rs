//! Norms and rotations of rows of f32 on the CPU, each in one pass.

use tch::{Device, Kind, TchError, Tensor};
use torch_sys::C_tensor;

use super::error::last_error;

unsafe extern "C" {
    fn tp_rms_norm(
        input: *const C_tensor,
        weight: *const C_tensor,
        epsilon: f64,
        offset: f64,
    ) -> *mut C_tensor;
    fn tp_rotate(
        input: *const C_tensor,
        cosines: *const C_tensor,
        sines: *const C_tensor,
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
    // SAFETY: the tensors outlive the call, and are what the kernel reads: their kind, layout and sizes were looked at.
    owned(unsafe { tp_rms_norm(input.as_ptr(), weight.as_ptr(), epsilon, offset) }).map(Some)
}

/// Each pair of the first `width` features (`i`, `i + width / 2`) rotated; `None` for tensors that the kernel does not
/// take: it takes contiguous f32 on the CPU. Autograd does not record it.
///
/// # Shapes
/// `[batch, sequence, heads, head_dim]`, cosines and sines `[sequence, 1, width]`, the sines of the first half
/// negated → as the first
///
/// # Errors
/// When there is no memory left.
pub fn rotate(
    input: &Tensor,
    cosines: &Tensor,
    sines: &Tensor,
) -> Result<Option<Tensor>, TchError> {
    let fits = match (&input.size()[..], &cosines.size()[..]) {
        ([_, sequence, _, features], [places, 1, width]) => {
            sequence == places && width <= features && width % 2 == 0
        }
        _ => false,
    };
    let fits = fits && cosines.size() == sines.size();
    if !(fits && are_plain(&[input, cosines, sines])) {
        return Ok(None);
    }
    // SAFETY: as above.
    owned(unsafe { tp_rotate(input.as_ptr(), cosines.as_ptr(), sines.as_ptr()) }).map(Some)
}

fn are_plain(tensors: &[&Tensor]) -> bool {
    let is_plain = |tensor: &&Tensor| {
        tensor.device() == Device::Cpu && tensor.kind() == Kind::Float && tensor.is_contiguous()
    };
    tensors.iter().all(is_plain)
}

fn owned(tensor: *mut C_tensor) -> Result<Tensor, TchError> {
    if tensor.is_null() {
        return Err(last_error());
    }
    // SAFETY: the shim returned an owned `at::Tensor`, which is what `Tensor` frees.
    Ok(unsafe { Tensor::from_ptr(tensor) })
}
