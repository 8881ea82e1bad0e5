//! The one error type of the crate: every fault, by the stage that found it.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, worded for the person who can fix it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan that does not fit its model, its config or its mesh.
    #[error(transparent)]
    Plan(#[from] crate::plan::PlanError),

    /// A config that names no known model.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),

    /// A `config.json` that cannot be read.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),

    /// A checkpoint that cannot be opened, read or written.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Checkpoint(#[from] crate::checkpoint::CheckpointError),

    /// A fault of a rank, of a collective or of a device mesh.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Dist(#[from] crate::comm::Error),

    /// A job that gave no value.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Launch(Box<crate::comm::LaunchError<Error>>),

    /// Layouts that do not meet where one module reads what another gives.
    #[error(transparent)]
    Placement(#[from] crate::plan::PlacementError),

    /// A model whose forward is not declared.
    #[error(transparent)]
    Explain(#[from] crate::explain::ExplainError),

    /// An input that a model cannot take.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Input(#[from] crate::model::InputError),

    /// Ranks that no longer hold the same.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Drift(#[from] crate::parallel::DriftError),

    /// A shape that a distributed tensor cannot have.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Shape(#[from] crate::dtensor::ShapeError),

    /// A layer that is run otherwise than it can be.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Layer(#[from] crate::module::LayerError),

    /// A tensor operation that libtorch refused, with the module and the rank that asked for it.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Tensor(#[from] crate::dtensor::TensorError),

    /// A tensor operation that libtorch refused outside any module.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}

#[cfg(feature = "torch")]
mod launch {
    use super::Error;
    use crate::comm::{self, LaunchError};

    impl From<LaunchError<Error>> for Error {
        fn from(error: LaunchError<Error>) -> Self {
            Self::Launch(Box::new(error))
        }
    }

    impl From<LaunchError<comm::Error>> for Error {
        fn from(error: LaunchError<comm::Error>) -> Self {
            error.map(Self::from).into()
        }
    }
}
