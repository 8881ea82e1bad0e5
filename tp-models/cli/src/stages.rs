//! What ranks divide and what is computed again, as values of flags.

use clap::ValueEnum;
use tp_runtime::train::{Recompute, Zero};

/// The stages of ZeRO.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Stage {
    #[value(name = "0")]
    Replicas,
    #[value(name = "1")]
    Optimizer,
    #[value(name = "3")]
    Parameters,
}

/// What is recomputed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Recomputed {
    /// Nothing
    None,
    /// Each layer, from its input
    Full,
}

impl From<Stage> for Zero {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Replicas => Self::Replicas,
            Stage::Optimizer => Self::Optimizer,
            Stage::Parameters => Self::Parameters,
        }
    }
}

impl From<Recomputed> for Recompute {
    fn from(recomputed: Recomputed) -> Self {
        match recomputed {
            Recomputed::None => Self::None,
            Recomputed::Full => Self::Full,
        }
    }
}
