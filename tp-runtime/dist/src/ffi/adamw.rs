//! libtorch's fused AdamW, which `tch` does not bind.

use std::ffi::c_int;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::error::check;

unsafe extern "C" {
    fn tp_fused_adamw(
        count: usize,
        params: *const *const C_tensor,
        gradients: *const *const C_tensor,
        means: *const *const C_tensor,
        mean_squares: *const *const C_tensor,
        steps: *const *const C_tensor,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        epsilon: f64,
    ) -> c_int;
}

/// One step of libtorch's fused AdamW: its tensors, collected parameter by parameter.
#[derive(Default)]
pub struct FusedAdamW {
    params: Vec<Tensor>,
    gradients: Vec<Tensor>,
    means: Vec<Tensor>,
    mean_squares: Vec<Tensor>,
    steps: Vec<Tensor>,
}

impl FusedAdamW {
    /// Adds a parameter with its gradient and its state: the running means, and the count of steps.
    pub fn push(
        &mut self,
        param: Tensor,
        gradient: Tensor,
        mean: &Tensor,
        mean_square: &Tensor,
        step: &Tensor,
    ) {
        self.params.push(param);
        self.gradients.push(gradient);
        self.means.push(mean.shallow_clone());
        self.mean_squares.push(mean_square.shallow_clone());
        self.steps.push(step.shallow_clone());
    }

    /// Updates parameters and state in place; without a parameter there is nothing to do.
    ///
    /// # Errors
    /// When libtorch refuses the tensors.
    pub fn run(
        self,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        epsilon: f64,
    ) -> Result<(), TchError> {
        // libtorch finds its kernel by a tensor.
        if self.params.is_empty() {
            return Ok(());
        }
        let pointers = |tensors: &[Tensor]| tensors.iter().map(Tensor::as_ptr).collect::<Vec<_>>();
        let [params, gradients, means, mean_squares, steps] = [
            &self.params,
            &self.gradients,
            &self.means,
            &self.mean_squares,
            &self.steps,
        ]
        .map(|tensors| pointers(tensors));
        // SAFETY: `push` keeps the five lists equally long, and `self` keeps their tensors alive.
        check(unsafe {
            tp_fused_adamw(
                params.len(),
                params.as_ptr(),
                gradients.as_ptr(),
                means.as_ptr(),
                mean_squares.as_ptr(),
                steps.as_ptr(),
                learning_rate,
                beta1,
                beta2,
                weight_decay,
                epsilon,
            )
        })
        .map(drop)
    }
}
