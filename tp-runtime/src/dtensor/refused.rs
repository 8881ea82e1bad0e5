//! What libtorch refuses, told with the module and the rank that asked for it.

use tch::{TchError, Tensor};

use super::DTensor;
use crate::comm::{self, ProcessGroup};
use crate::error::TensorError;

impl TensorError {
    /// The refusal of an operation of `module` on this rank of `group`.
    pub(crate) fn new(module: &str, group: &ProcessGroup, cause: TchError) -> Self {
        Self {
            module: module.to_owned(),
            rank: group.ranks()[group.rank()],
            cause,
        }
    }

    /// Names module and rank where an error is libtorch's alone.
    pub(crate) fn attach(module: &str, group: &ProcessGroup, error: crate::Error) -> crate::Error {
        match error {
            crate::Error::Torch(cause) | crate::Error::Dist(comm::Error::Torch(cause)) => {
                Self::new(module, group, cause).into()
            }
            other => other,
        }
    }
}

impl DTensor {
    /// This rank's part as computation left it, or an error that names module and rank.
    pub(super) fn computed(&self, outcome: Result<Tensor, TchError>) -> crate::Result<Tensor> {
        outcome.map_err(|error| TensorError::new(self.producer(), self.group(), error).into())
    }
}
