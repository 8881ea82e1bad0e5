//! Backward functions written in Rust.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::error::{check, set_error};
use super::tensor::owned;

/// Makes the gradient of an input from that of an output; an error is text for autograd.
type BackwardFunction = Box<dyn Fn(Tensor) -> Result<Tensor, String> + Send>;

unsafe extern "C" {
    fn tp_attach_backward(
        input: *const C_tensor,
        output: *const C_tensor,
        closure: *mut c_void,
        run: extern "C" fn(*mut c_void, *mut C_tensor) -> *mut C_tensor,
        drop: extern "C" fn(*mut c_void),
    ) -> *mut C_tensor;
    fn tp_set_gradient(parameter: *const C_tensor, gradient: *const C_tensor) -> c_int;
    fn tp_backward(output: *const C_tensor, gradient: *const C_tensor) -> c_int;
    fn tp_is_recording() -> c_int;
    fn tp_is_recorded(tensor: *const C_tensor) -> c_int;
    fn tp_is_unshared(tensor: *const C_tensor) -> c_int;
    fn tp_run_backward_on_this_thread() -> c_int;
}

/// `output` as a function of `input` with this backward.
pub(crate) fn attach(
    input: &Tensor,
    output: &Tensor,
    backward: BackwardFunction,
) -> Result<Tensor, TchError> {
    let closure = Box::into_raw(Box::new(backward)).cast();
    // SAFETY: both tensors outlive the call. The closure's ownership passes to the shim, which calls
    // `run` from one thread at a time, as `Send` asks, and `drop` once, after the last `run`.
    // What it returns is owned.
    unsafe {
        owned(tp_attach_backward(
            input.as_ptr(),
            output.as_ptr(),
            closure,
            run,
            drop_closure,
        ))
    }
}

/// Makes `gradient` the gradient of `parameter`, a leaf.
pub(crate) fn set_gradient(parameter: &Tensor, gradient: &Tensor) -> Result<(), TchError> {
    // SAFETY: both tensors outlive the call; the parameter keeps a reference of its own.
    check(unsafe { tp_set_gradient(parameter.as_ptr(), gradient.as_ptr()) }).map(drop)
}

/// Goes back from `output`, given its gradient.
pub(crate) fn backward(output: &Tensor, gradient: &Tensor) -> Result<(), TchError> {
    // SAFETY: both tensors outlive the call.
    check(unsafe { tp_backward(output.as_ptr(), gradient.as_ptr()) }).map(drop)
}

/// Makes the backward passes that this thread starts run on this thread, on any device.
pub(crate) fn run_backward_on_this_thread() -> Result<(), TchError> {
    // SAFETY: sets one flag of this thread.
    check(unsafe { tp_run_backward_on_this_thread() }).map(drop)
}

/// Whether no other tensor shares the tensor's memory, so that it may be written over. Autograd holds
/// what it hands to several readers, so a gradient needs no copy before it is reduced in place.
pub(crate) fn is_unshared(tensor: &Tensor) -> Result<bool, TchError> {
    // SAFETY: the tensor outlives the call.
    Ok(check(unsafe { tp_is_unshared(tensor.as_ptr()) })? != 0)
}

/// Whether this thread records operations.
pub(crate) fn is_recording() -> bool {
    // SAFETY: reads one flag of this thread.
    unsafe { tp_is_recording() > 0 }
}

/// Whether autograd records what is made of the tensor.
pub(crate) fn is_recorded(tensor: &Tensor) -> bool {
    // SAFETY: the tensor outlives the call.
    unsafe { tp_is_recorded(tensor.as_ptr()) > 0 }
}

extern "C" fn run(closure: *mut c_void, gradient: *mut C_tensor) -> *mut C_tensor {
    // SAFETY: `closure` is the `Box<BackwardFunction>` that `attach` gave away; the shim keeps it
    // alive and holds a lock during the call.
    let backward = unsafe { &*closure.cast::<BackwardFunction>() };
    // SAFETY: the shim hands over an owned `at::Tensor`.
    let gradient = unsafe { Tensor::from_ptr(gradient) };
    let message = match catch_unwind(AssertUnwindSafe(|| backward(gradient))) {
        Ok(Ok(mut result)) => {
            let pointer = result.as_mut_ptr();
            std::mem::forget(result);
            return pointer;
        }
        Ok(Err(message)) => message,
        Err(panic) => format!(
            "a backward function panicked: {}",
            crate::panic::message(&*panic)
        ),
    };
    set_error(&message);
    std::ptr::null_mut()
}

extern "C" fn drop_closure(closure: *mut c_void) {
    // SAFETY: called once by the shim, with the pointer that `attach` gave away.
    drop(unsafe { Box::from_raw(closure.cast::<BackwardFunction>()) });
}
