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

/// Elements in a cache line of 16-bit floats, in whole numbers of which libtorch's kernel uses vectors.
///
/// What remains it computes one by one and rounds otherwise. Ranks that hold an element together have it
/// at different places, and must round it alike: so nothing may remain.
const VECTORS: i64 = 32;

/// One step of libtorch's fused AdamW: its tensors, collected parameter by parameter.
#[derive(Default)]
pub struct FusedAdamW {
    params: Vec<Tensor>,
    gradients: Vec<Tensor>,
    means: Vec<Tensor>,
    mean_squares: Vec<Tensor>,
    steps: Vec<Tensor>,
    /// Ends of tensors, and the padded copies that are updated for them.
    padded: Vec<(Tensor, Tensor)>,
}

impl FusedAdamW {
    /// Adds a parameter with its gradient and its state: the running means, and the count of steps.
    ///
    /// # Errors
    /// When libtorch refuses the tensors.
    pub fn push(
        &mut self,
        param: Tensor,
        gradient: Tensor,
        mean: &Tensor,
        mean_square: &Tensor,
        step: &Tensor,
    ) -> Result<(), TchError> {
        let length = param.numel() as i64;
        let whole = length / VECTORS * VECTORS;
        let tensors = [&param, &gradient, mean, mean_square];
        if whole == length {
            self.push_whole(tensors.map(Tensor::shallow_clone), step.shallow_clone());
            return Ok(());
        }
        let flat = |tensor: &Tensor| tensor.f_detach()?.f_view([-1]);
        let [param, gradient, mean, mean_square] = tensors.map(flat);
        let flat = [param?, gradient?.f_contiguous()?, mean?, mean_square?];
        if whole > 0 {
            let start = |tensor: &Tensor| tensor.f_narrow(0, 0, whole);
            let [param, gradient, mean, mean_square] = flat.each_ref().map(start);
            let own = step.shallow_clone();
            self.push_whole([param?, gradient?, mean?, mean_square?], own);
        }
        let mut ends = Vec::new();
        let pad = |tensor: &Tensor| -> Result<Tensor, TchError> {
            let end = tensor.f_narrow(0, whole, length - whole)?;
            let padded = end.f_constant_pad_nd([0, VECTORS - (length - whole)])?;
            ends.push((end, padded.shallow_clone()));
            Ok(padded)
        };
        let [param, gradient, mean, mean_square] = flat.each_ref().map(pad);
        // Each entry of the lists counts its step by itself.
        let step = match whole {
            0 => step.shallow_clone(),
            _ => step.f_add_scalar(0.0)?,
        };
        self.push_whole([param?, gradient?, mean?, mean_square?], step);
        self.padded.extend(ends);
        Ok(())
    }

    fn push_whole(&mut self, [param, gradient, mean, mean_square]: [Tensor; 4], step: Tensor) {
        self.params.push(param);
        self.gradients.push(gradient);
        self.means.push(mean);
        self.mean_squares.push(mean_square);
        self.steps.push(step);
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
        })?;
        for (mut end, padded) in self.padded {
            let length = end.size()[0];
            end.f_copy_(&padded.f_narrow(0, 0, length)?)?;
        }
        Ok(())
    }
}
