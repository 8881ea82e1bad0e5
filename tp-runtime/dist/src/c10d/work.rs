//! A collective that a c10d group has begun.

use std::sync::Arc;

use tch::{Device, TchError, Tensor};

use super::layout::unpack;
use crate::backend::{Job, Pending};
use crate::ffi::c10d;
use crate::{CommError, Participant, Result};

/// A collective under way, and how its result is read.
pub(super) struct C10dWork {
    /// `None` where there is nothing to communicate.
    pub(super) work: Option<c10d::Work>,
    pub(super) result: Tensor,
    /// The dimension that comes first in `result`, and its true length.
    pub(super) packed: Option<(i64, i64)>,
    /// Where the caller's tensor was.
    pub(super) home: Device,
    pub(super) origin: Origin,
}

/// Who began a collective.
pub(super) struct Origin {
    pub(super) backend: &'static str,
    pub(super) who: Participant,
    /// The ranks of the group.
    pub(super) ranks: Arc<[usize]>,
    pub(super) job: Arc<Job>,
}

impl Origin {
    /// The error in libtorch's words. It mostly tells that another rank is gone.
    pub(super) fn fault(&self, error: TchError) -> CommError {
        self.job.disturb(self.who.rank);
        let message = match error {
            TchError::Torch(message) => message,
            other => other.to_string(),
        };
        let others = self.ranks.iter().filter(|&&rank| rank != self.who.rank);
        CommError::Backend {
            backend: self.backend,
            who: self.who.clone(),
            peers: others.copied().collect(),
            message,
        }
    }
}

impl Pending for C10dWork {
    fn wait(self: Box<Self>) -> Result<Tensor> {
        if let Some(work) = &self.work {
            work.wait().map_err(|error| self.origin.fault(error))?;
        }
        let result = match self.packed {
            Some((dim, length)) => tch::no_grad(|| unpack(&self.result, dim, length))?,
            None => self.result,
        };
        Ok(result.f_to_device(self.home)?)
    }
}
