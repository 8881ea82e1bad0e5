//! How a model is to be trained.

/// What the data-parallel ranks divide among themselves (ZeRO, Rajbhandari et al. 2020).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zero {
    /// Nothing: every rank has all, and reduces the gradients (stage 0; PyTorch's `DistributedDataParallel`).
    Replicas,
    /// The optimizer's state, the f32 master of the weights and the reduced gradients (stage 1).
    #[default]
    Optimizer,
    /// The weights, too, which are gathered layer by layer (stage 3; PyTorch's `fully_shard`).
    Parameters,
}

impl Zero {
    /// The number of the stage in the paper.
    pub fn stage(self) -> u8 {
        match self {
            Self::Replicas => 0,
            Self::Optimizer => 1,
            Self::Parameters => 3,
        }
    }
}

/// What of a layer's activations is kept for the backward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recompute {
    /// All that it reads.
    #[default]
    None,
    /// The layer's input only: the backward runs the layer again (Chen et al. 2016).
    Full,
}

/// The settings of a `Trainer`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainOptions {
    /// What the data-parallel ranks divide among themselves.
    pub zero: Zero,
    /// What is computed again.
    pub recompute: Recompute,
    /// The global norm that gradients are clipped to.
    pub max_norm: Option<f64>,
    /// How many elements are reduced or gathered at a time.
    pub bucket: usize,
    /// What the masks of dropout follow from, with the step.
    pub seed: u64,
}

impl TrainOptions {
    /// The same on so many data-parallel ranks: one alone has nothing to divide.
    pub(crate) fn over(self, ranks: usize) -> Self {
        match ranks {
            1 => Self {
                zero: Zero::Replicas,
                ..self
            },
            _ => self,
        }
    }

    /// Whether layers are run again in the backward, for which divided weights are gathered once more.
    pub(crate) fn recomputes(&self) -> bool {
        self.recompute == Recompute::Full || self.zero == Zero::Parameters
    }
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            zero: Zero::default(),
            recompute: Recompute::default(),
            max_norm: Some(1.0),
            // 128 MB of f32.
            bucket: 32 << 20,
            seed: 0,
        }
    }
}
