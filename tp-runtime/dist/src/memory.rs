//! How much memory the tensors of a rank take.

use tch::{Device, TchError};

use crate::ffi;

/// Bytes of tensors that a thread has allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocatedBytes {
    /// What is left at the end; negative where more was freed that was there before.
    pub held: i64,
    /// The most there was at once.
    pub peak: i64,
}

/// Runs `body` and counts the bytes of tensors that this thread allocates and frees meanwhile: on the CPU, or on
/// GPUs where `device` is one.
///
/// Every rank of [`launch`](crate::launch) that is a thread counts its own. What is allocated before
/// counts only where it is allocated within another measurement of the thread. Libraries' own buffers,
/// such as those of matrix products, are not tensors and do not count.
///
/// ```no_run
/// # use tch::{Device, Kind, Tensor};
/// let (sum, bytes) = tp_dist::memory::measure(Device::Cpu, || {
///     let ones = Tensor::ones([1024], (Kind::Float, Device::Cpu));
///     (&ones + &ones).sum(Kind::Float)
/// })?;
/// assert!(bytes.peak >= 2 * 4096 && bytes.held >= 4);
/// # drop(sum);
/// # Ok::<(), tch::TchError>(())
/// ```
///
/// # Errors
/// When libtorch is measuring this thread for somebody else.
pub fn measure<T>(
    device: Device,
    body: impl FnOnce() -> T,
) -> Result<(T, AllocatedBytes), TchError> {
    ffi::start_measuring(device.is_cuda())?;
    let guard = StopOnPanic;
    let value = body();
    std::mem::forget(guard);
    let (held, peak) = ffi::stop_measuring()?;
    Ok((value, AllocatedBytes { held, peak }))
}

struct StopOnPanic;

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        // The panic goes on; there is nobody to tell of a second fault.
        let _ = ffi::stop_measuring();
    }
}
