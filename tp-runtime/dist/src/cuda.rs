//! Whether a program keeps its GPU busy; behind the feature `nccl`.

use tch::TchError;

use crate::ffi::forbid_waits;

/// Runs `body`, in which any call of this process that waits for a GPU fails, such as reading a number of a
/// tensor there.
///
/// What a processor asks of a GPU is queued. It need wait only to read what came out; each wait beyond that leaves
/// the GPU without work until the next call reaches it.
///
/// ```no_run
/// # use tch::{Device, Kind, Tensor};
/// let ones = Tensor::ones([2], (Kind::Float, Device::Cuda(0)));
/// let read = tp_dist::cuda::without_waiting(|| f64::try_from(ones.sum(Kind::Float)))?;
/// assert!(read.is_err());
/// # Ok::<(), tch::TchError>(())
/// ```
///
/// # Errors
/// When libtorch cannot be told so.
pub fn without_waiting<T>(body: impl FnOnce() -> T) -> Result<T, TchError> {
    forbid_waits(true)?;
    let guard = AllowOnPanic;
    let value = body();
    std::mem::forget(guard);
    forbid_waits(false)?;
    Ok(value)
}

struct AllowOnPanic;

impl Drop for AllowOnPanic {
    fn drop(&mut self) {
        // The panic goes on; there is nobody to tell of a second fault.
        let _ = forbid_waits(false);
    }
}
