//! Bytes of tensors, as libtorch's allocators report them.

use std::ffi::c_int;

use tch::TchError;

use super::error::check;

unsafe extern "C" {
    fn tp_memory_start(cuda: c_int) -> c_int;
    fn tp_memory_stop(held: *mut i64, peak: *mut i64) -> c_int;
}

/// Starts to measure this thread's allocations on the CPU, or on GPUs.
pub(crate) fn start_measuring(cuda: bool) -> Result<(), TchError> {
    // SAFETY: sets a slot of this thread.
    check(unsafe { tp_memory_start(cuda.into()) }).map(drop)
}

/// Ends what this thread started last: the bytes that are left, and the most there were.
pub(crate) fn stop_measuring() -> Result<(i64, i64), TchError> {
    let (mut held, mut peak) = (0, 0);
    // SAFETY: both numbers outlive the call.
    check(unsafe { tp_memory_stop(&raw mut held, &raw mut peak) })?;
    Ok((held, peak))
}
