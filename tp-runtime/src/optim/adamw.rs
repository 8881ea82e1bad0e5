//! AdamW (Loshchilov and Hutter 2019), as `torch.optim.AdamW`.

use tch::{Kind, Tensor};

use crate::Result;
use crate::comm::FusedAdamW;
use crate::module::Param;

/// The settings of AdamW, with torch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWOptions {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Decay of every parameter, decoupled from the gradient.
    pub weight_decay: f64,
}

impl Default for AdamWOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 1e-2,
        }
    }
}

/// AdamW over this rank's part of each parameter; elementwise, so it needs no communication.
pub struct AdamW {
    options: AdamWOptions,
    params: Vec<Param>,
    mean: Vec<Tensor>,
    mean_of_squares: Vec<Tensor>,
    steps: Vec<Tensor>,
}

impl AdamW {
    /// An optimizer of loaded parameters.
    ///
    /// # Errors
    /// When libtorch cannot allocate its state.
    pub fn new<'a>(
        params: impl IntoIterator<Item = &'a Param>,
        options: AdamWOptions,
    ) -> Result<Self> {
        let params: Vec<Param> = params.into_iter().cloned().collect();
        let zeros = |param: &Param| Ok(param.local().f_detach()?.f_zeros_like()?);
        // On the parameter's device, where the fused kernel reads it.
        let step = |param: &Param| {
            let device = param.local().device();
            Ok(Tensor::f_zeros([], (Kind::Float, device))?)
        };
        Ok(Self {
            options,
            mean: params.iter().map(zeros).collect::<Result<_>>()?,
            mean_of_squares: params.iter().map(zeros).collect::<Result<_>>()?,
            steps: params.iter().map(step).collect::<Result<_>>()?,
            params,
        })
    }

    /// Changes the learning rate of the steps to come.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = learning_rate;
    }

    /// Updates every parameter that has a gradient.
    ///
    /// # Errors
    /// When libtorch refuses the update.
    pub fn step(&mut self) -> Result<()> {
        let mut update = FusedAdamW::default();
        for (index, param) in self.params.iter().enumerate() {
            let gradient = param.local().f_grad()?;
            if gradient.defined() {
                update.push(
                    param.local(),
                    gradient,
                    &self.mean[index],
                    &self.mean_of_squares[index],
                    &self.steps[index],
                );
            }
        }
        let AdamWOptions {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
        } = self.options;
        Ok(update.run(learning_rate, beta1, beta2, weight_decay, epsilon)?)
    }

    /// Forgets the gradients.
    pub fn zero_grad(&mut self) {
        for param in &self.params {
            param.local().zero_grad();
        }
    }
}
