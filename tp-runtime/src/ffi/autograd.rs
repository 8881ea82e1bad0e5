//! Backward functions written in Rust.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::Tensor;
use torch_sys::C_tensor;

use super::error::{check, last_error, set_error};

type Backward = Box<dyn Fn(Tensor) -> crate::Result<Tensor> + Send>;

unsafe extern "C" {
    fn tp_attach_backward(
        input: *const C_tensor,
        output: *const C_tensor,
        closure: *mut c_void,
        run: extern "C" fn(*mut c_void, *mut C_tensor) -> *mut C_tensor,
        drop: extern "C" fn(*mut c_void),
    ) -> *mut C_tensor;
    fn tp_is_recorded(tensor: *const C_tensor) -> c_int;
    fn tp_is_unshared(tensor: *const C_tensor) -> c_int;
    fn tp_run_backward_on_this_thread() -> c_int;
}

/// Makes `output` a function of `input` whose gradient `backward` computes from the output's.
///
/// `output` was computed without recording and may be `input` itself. Where autograd records nothing
/// (under `no_grad`, or when `input` requires no gradient) it comes back as it is. A failure or a
/// panic of `backward` ends the backward pass with its message. The closure lives as long as the
/// graph and may run on another thread. Second derivatives are refused.
///
/// # Shapes
/// `backward` is given a gradient shaped as `output` and returns one shaped as `input`.
///
/// # Panics
/// When autograd records and `output` cannot have a gradient, such as a tensor of integers.
pub fn attach_backward(
    input: &Tensor,
    output: Tensor,
    backward: impl Fn(Tensor) -> crate::Result<Tensor> + Send + 'static,
) -> Tensor {
    if !is_recorded(input) {
        return output;
    }
    assert!(
        output.is_floating_point(),
        "an output of kind {:?} cannot have a gradient: attach a backward to floating-point tensors",
        output.kind()
    );
    let closure: Box<Backward> = Box::new(Box::new(backward));
    // SAFETY: both tensors outlive the call. The closure's ownership passes to the shim, which calls
    // `run` from one thread at a time, as `Send` asks, and `drop` once.
    let attached = unsafe {
        tp_attach_backward(
            input.as_ptr(),
            output.as_ptr(),
            Box::into_raw(closure).cast(),
            run,
            drop_closure,
        )
    };
    if attached.is_null() {
        panic!("no backward can be attached: {}", last_error());
    }
    // SAFETY: the shim returned an owned `at::Tensor`, which is what `Tensor` frees.
    unsafe { Tensor::from_ptr(attached) }
}

/// Makes the backward passes that this thread starts run on this thread, on any device.
pub(crate) fn run_backward_on_this_thread() -> crate::Result<()> {
    // SAFETY: sets one flag of this thread.
    check(unsafe { tp_run_backward_on_this_thread() })?;
    Ok(())
}

/// Whether nobody else can see the tensor's memory, so that it may be written over.
pub(crate) fn is_unshared(tensor: &Tensor) -> crate::Result<bool> {
    // SAFETY: the tensor outlives the call.
    Ok(check(unsafe { tp_is_unshared(tensor.as_ptr()) })? != 0)
}

/// Whether autograd records what is made of the tensor.
pub(crate) fn is_recorded(tensor: &Tensor) -> bool {
    // SAFETY: the tensor outlives the call.
    unsafe { tp_is_recorded(tensor.as_ptr()) != 0 }
}

extern "C" fn run(closure: *mut c_void, gradient: *mut C_tensor) -> *mut C_tensor {
    // SAFETY: `closure` is the `Box<Backward>` that `attach_backward` gave away; the shim keeps it
    // alive and holds a lock during the call.
    let backward = unsafe { &*closure.cast::<Backward>() };
    // SAFETY: the shim hands over an owned `at::Tensor`.
    let gradient = unsafe { Tensor::from_ptr(gradient) };
    let message = match catch_unwind(AssertUnwindSafe(|| backward(gradient))) {
        Ok(Ok(mut result)) => {
            let pointer = result.as_mut_ptr();
            std::mem::forget(result);
            return pointer;
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!(
            "a backward function panicked: {}",
            crate::panic_message(&*panic)
        ),
    };
    set_error(&message);
    std::ptr::null_mut()
}

extern "C" fn drop_closure(closure: *mut c_void) {
    // SAFETY: called once by the shim, with the pointer that `attach_backward` gave away.
    drop(unsafe { Box::from_raw(closure.cast::<Backward>()) });
}
