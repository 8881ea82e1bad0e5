//! The shim's one thread-local message, as a `Result`.

use std::ffi::{CStr, CString, c_char, c_int};

use tch::TchError;

unsafe extern "C" {
    fn tp_last_error() -> *const c_char;
    fn tp_set_error(text: *const c_char);
}

/// The failure that the shim has just reported on this thread.
pub(super) fn last_error() -> TchError {
    // SAFETY: the shim returns a NUL-terminated string that lives until the next call into it on
    // this thread; it is copied here.
    let message = unsafe { CStr::from_ptr(tp_last_error()) };
    TchError::Torch(message.to_string_lossy().into_owned())
}

/// `Ok` unless the shim returned a negative status.
pub(super) fn check(status: c_int) -> Result<c_int, TchError> {
    if status < 0 {
        Err(last_error())
    } else {
        Ok(status)
    }
}

/// Leaves a message for the C++ code that is about to see a callback fail.
pub(super) fn set_error(message: &str) {
    let message = CString::new(message.replace('\0', "")).unwrap_or_default();
    // SAFETY: the shim copies the string before it returns.
    unsafe { tp_set_error(message.as_ptr()) }
}
