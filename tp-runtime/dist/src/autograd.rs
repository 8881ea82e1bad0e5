//! Gradients for what autograd does not see: backward functions written in Rust.

use std::fmt::Display;

use tch::{TchError, Tensor};

use crate::ffi;

/// Makes `output` a function of `input` whose gradient `backward` computes from the output's.
///
/// `output` was computed without recording and may be `input` itself. Where autograd records nothing
/// (under `no_grad`, or when `input` requires no gradient) it comes back as it is. An error or a panic
/// of `backward` ends the backward pass with its message. The closure is dropped as soon as a backward
/// pass that does not keep the graph has called it, else with the graph. It may run on another thread;
/// on a rank of [`launch`](crate::launch) it runs on the rank's own. Second derivatives are refused.
///
/// # Shapes
/// `backward` is given a gradient shaped as `output` and returns one shaped as `input`.
///
/// # Errors
/// When autograd records and `output` cannot have a gradient, such as a tensor of integers.
pub fn with_backward<E: Display>(
    input: &Tensor,
    output: Tensor,
    backward: impl Fn(Tensor) -> Result<Tensor, E> + Send + 'static,
) -> Result<Tensor, TchError> {
    if !is_recorded(input) {
        return Ok(output);
    }
    if !output.is_floating_point() {
        return Err(TchError::Kind(format!(
            "an output of kind {:?} cannot have a gradient: give floating-point tensors a backward",
            output.kind()
        )));
    }
    let backward = move |gradient| backward(gradient).map_err(|error| error.to_string());
    ffi::attach(input, &output, Box::new(backward))
}

/// Whether this thread records operations: not under `no_grad`.
pub fn is_recording() -> bool {
    ffi::is_recording()
}

/// Whether autograd records what is made of the tensor.
pub fn is_recorded(tensor: &Tensor) -> bool {
    ffi::is_recorded(tensor)
}

/// Goes back through the graph of `output`, given its gradient; gradients are added to those of the leaves.
///
/// It may be called in the backward function of another tensor, for a graph that was made there.
///
/// # Shapes
/// `gradient` has the shape of `output`.
///
/// # Errors
/// When a backward function fails, or nothing was recorded.
pub fn backward(output: &Tensor, gradient: &Tensor) -> Result<(), TchError> {
    ffi::backward(output, gradient)
}

/// Makes `gradient` the gradient of `parameter`, to which backward passes add in place: it may be a
/// part of a buffer, and of another kind than the parameter, such as f32 for bf16.
///
/// # Shapes
/// Both have the same.
///
/// # Errors
/// When `parameter` is no leaf that requires a gradient.
pub fn set_gradient(parameter: &Tensor, gradient: &Tensor) -> Result<(), TchError> {
    ffi::set_gradient(parameter, gradient)
}
