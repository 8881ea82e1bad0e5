//! AdamW (Loshchilov and Hutter 2019), as `torch.optim.AdamW`.

use tch::{Kind, Tensor};

use super::{Optimizer, Part};
use crate::Result;
use crate::comm::kernels::FusedAdamW;
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
    /// Decay of parameters, decoupled from the gradient.
    pub weight_decay: f64,
    /// Which parameters decay.
    pub decayed: Decayed,
}

/// Which parameters weight decay acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decayed {
    /// Every one, as in torch.
    All,
    /// Those of two dimensions or more, which norms and biases are not, as in transformers' `Trainer`.
    Matrices,
}

impl Default for AdamWOptions {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 1e-2,
            decayed: Decayed::All,
        }
    }
}

/// AdamW over this rank's part of each parameter; elementwise, so it needs no communication.
pub struct AdamW {
    options: AdamWOptions,
    parts: Vec<Part>,
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
        Self::of_parts(params.into_iter().map(Part::of).collect(), options)
    }

    /// An optimizer of parts of parameters, such as those that a rank of several updates.
    ///
    /// # Errors
    /// When libtorch cannot allocate its state.
    pub fn of_parts(parts: Vec<Part>, options: AdamWOptions) -> Result<Self> {
        let zeros = |part: &Part| Ok(part.value().f_detach()?.f_zeros_like()?);
        // On the parameter's device, where the fused kernel reads it.
        let step = |part: &Part| {
            let device = part.value().device();
            Ok(Tensor::f_zeros([], (Kind::Float, device))?)
        };
        Ok(Self {
            options,
            mean: parts.iter().map(zeros).collect::<Result<_>>()?,
            mean_of_squares: parts.iter().map(zeros).collect::<Result<_>>()?,
            steps: parts.iter().map(step).collect::<Result<_>>()?,
            parts,
        })
    }

    /// Changes the learning rate of the steps to come.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.options.learning_rate = learning_rate;
    }

    /// Updates every part that has a gradient.
    ///
    /// # Errors
    /// When libtorch refuses the update.
    pub fn step(&mut self) -> Result<()> {
        let AdamWOptions {
            weight_decay,
            decayed,
            ..
        } = self.options;
        match decayed {
            Decayed::All => self.update(|_| true, weight_decay),
            Decayed::Matrices => {
                self.update(Part::is_matrix, weight_decay)?;
                self.update(|part| !part.is_matrix(), 0.0)
            }
        }
    }

    /// Updates some of the parts.
    fn update(&mut self, which: impl Fn(&Part) -> bool, weight_decay: f64) -> Result<()> {
        let mut update = FusedAdamW::default();
        for (index, part) in self
            .parts
            .iter()
            .enumerate()
            .filter(|(_, part)| which(part))
        {
            if let Some(gradient) = part.gradient()? {
                update.push(
                    part.value().shallow_clone(),
                    gradient,
                    &self.mean[index],
                    &self.mean_of_squares[index],
                    &self.steps[index],
                )?;
            }
        }
        let AdamWOptions {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            ..
        } = self.options;
        Ok(update.run(learning_rate, beta1, beta2, weight_decay, epsilon)?)
    }

    /// Forgets the gradients that autograd left at the parameters.
    pub fn zero_grad(&mut self) {
        for part in &self.parts {
            part.value().shallow_clone().zero_grad();
        }
    }
}

impl Optimizer for AdamW {
    fn step(&mut self, learning_rate: f64) -> Result<()> {
        self.set_learning_rate(learning_rate);
        self.step()
    }

    fn state(&self) -> Vec<(&'static str, &[Tensor])> {
        vec![
            ("exp_avg", &self.mean),
            ("exp_avg_sq", &self.mean_of_squares),
        ]
    }

    fn set_steps_taken(&mut self, steps: u64) -> Result<()> {
        for step in &mut self.steps {
            let _ = step.f_fill_(steps as f64)?;
        }
        Ok(())
    }
}
