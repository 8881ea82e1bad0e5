//! Where a program waits for its GPU.

use std::ffi::c_int;

use tch::TchError;

use super::error::check;

unsafe extern "C" {
    fn tp_cuda_forbid_waits(forbid: c_int) -> c_int;
}

/// Makes every call of this process that waits for a GPU fail, or none.
pub(crate) fn forbid_waits(forbid: bool) -> Result<(), TchError> {
    // SAFETY: sets one flag of libtorch's.
    check(unsafe { tp_cuda_forbid_waits(forbid.into()) }).map(drop)
}
