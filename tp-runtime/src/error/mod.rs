//! The errors of each part, and the one type that holds them all.

#[cfg(feature = "torch")]
mod checkpoint;
#[cfg(feature = "torch")]
mod checkpoint_faults;
mod config;
#[cfg(feature = "torch")]
mod drift;
mod explain;
#[cfg(feature = "torch")]
mod input;
#[cfg(feature = "torch")]
mod job;
mod layer;
mod lora;
mod model;
mod placement;
mod plan;
#[cfg(feature = "torch")]
mod tensor;
mod train;

pub use config::ConfigError;
pub use explain::ExplainError;
pub use layer::LayerError;
pub use lora::LoraError;
pub use model::ModelError;
pub use placement::PlacementError;
pub use plan::PlanError;
pub use train::TrainError;
#[cfg(feature = "torch")]
pub use {
    checkpoint::CheckpointError,
    checkpoint_faults::{Fault, Faults},
    drift::DriftError,
    input::InputError,
    job::JobError,
    tensor::{ShapeError, TensorError},
};

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, worded for the person who can fix it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan that does not fit its model, its config or its mesh.
    #[error(transparent)]
    Plan(#[from] PlanError),

    /// An adapter that a model cannot have.
    #[error(transparent)]
    Lora(#[from] LoraError),

    /// A config that names no known model.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// A `config.json` that cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// A checkpoint that cannot be opened, read or written.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),

    /// A job's folder that cannot be used.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Job(#[from] JobError),

    /// A fault of a rank, of a collective or of a device mesh.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Dist(#[from] tp_dist::Error),

    /// A job that gave no value.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Launch(Box<tp_dist::LaunchError<Error>>),

    /// Layouts that do not meet where one module reads what another gives.
    #[error(transparent)]
    Placement(#[from] PlacementError),

    /// A model whose forward is not declared.
    #[error(transparent)]
    Explain(#[from] ExplainError),

    /// An input that a model cannot take.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Input(#[from] InputError),

    /// Ranks that no longer hold the same.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Drift(#[from] DriftError),

    /// A step that cannot be made.
    #[error(transparent)]
    Train(#[from] TrainError),

    /// A shape that a distributed tensor cannot have.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Shape(#[from] ShapeError),

    /// A layer that is run otherwise than it can be.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Layer(#[from] LayerError),

    /// A tensor operation that libtorch refused, with the module and the rank that asked for it.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Tensor(#[from] TensorError),

    /// A tensor operation that libtorch refused outside any module.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}

#[cfg(feature = "torch")]
mod launch {
    use super::Error;
    use tp_dist::{self, LaunchError};

    impl From<LaunchError<Error>> for Error {
        fn from(error: LaunchError<Error>) -> Self {
            Self::Launch(Box::new(error))
        }
    }

    impl From<LaunchError<tp_dist::Error>> for Error {
        fn from(error: LaunchError<tp_dist::Error>) -> Self {
            error.map(Self::from).into()
        }
    }
}
