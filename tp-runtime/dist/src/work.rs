//! A collective that has begun.

use std::sync::Arc;

use tch::Tensor;

use crate::backend::{Job, Pending};
use crate::{RankFailure, Result};

/// A collective that has begun: [`wait`](Self::wait) gives its result.
///
/// Handles may be waited for in any order, also those of different groups. Until then the tensor must
/// not be written to. A backend may make no progress while no rank waits. Dropping a handle completes
/// the collective first, so that no rank waits in vain.
#[must_use = "dropping a collective at once waits for it"]
pub struct Work(State);

enum State {
    Done(Result<Tensor>),
    Running(Running),
    Taken,
}

struct Running {
    pending: Box<dyn Pending>,
    /// The rank in the world, and its job.
    rank: usize,
    job: Arc<Job>,
}

impl Work {
    pub(crate) fn done(result: Result<Tensor>) -> Self {
        Self(State::Done(result))
    }

    pub(crate) fn running(pending: Box<dyn Pending>, rank: usize, job: Arc<Job>) -> Self {
        Self(State::Running(Running { pending, rank, job }))
    }

    /// The collective's result.
    ///
    /// # Errors
    /// When the collective could not begin, or could not complete on this rank.
    pub fn wait(mut self) -> Result<Tensor> {
        match std::mem::replace(&mut self.0, State::Taken) {
            State::Done(result) => result,
            State::Running(running) => running.pending.wait(),
            State::Taken => {
                unreachable!("only `wait` and `drop` take the state, and both end the handle")
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let State::Running(running) = std::mem::replace(&mut self.0, State::Taken) else {
            return;
        };
        // A panicking rank must not wait: the others learn of its failure instead.
        if std::thread::panicking() {
            return;
        }
        // Nobody is left to be told of a failure but the job.
        if let Err(error) = running.pending.wait() {
            running.job.fail(RankFailure {
                rank: running.rank,
                panicked: false,
                message: error.to_string(),
            });
        }
    }
}
