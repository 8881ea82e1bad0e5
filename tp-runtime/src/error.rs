//! The one error type of the crate: every fault, by the stage that found it.

/// `Result` with [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, worded for the person who can fix it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan that does not fit its model, its config or its mesh.
    #[error(transparent)]
    Plan(#[from] crate::plan::PlanError),

    /// A config that names or describes no known model.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),

    /// Rotary fields of a config that make no sense.
    #[error(transparent)]
    Rope(#[from] crate::nn::RopeError),

    /// Layouts that do not meet while a model runs.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Placement(#[from] crate::dtensor::PlacementError),

    /// A tensor operation that libtorch refused.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Torch(#[from] tch::TchError),
}
