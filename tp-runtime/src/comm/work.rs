//! A collective that has begun.

use tch::Tensor;

use crate::Result;

/// The backend's side of a collective that has begun.
pub(super) trait Pending: Send {
    /// Completes it.
    fn wait(self: Box<Self>) -> Result<Tensor>;

    /// Completes it for a caller that is gone, who sees a failure at the group's next collective.
    fn finish(self: Box<Self>);
}

/// A collective that has begun: [`wait`](Self::wait) gives its result.
///
/// Handles may be waited for in any order. Dropping one completes the collective first, so that no
/// rank waits in vain.
#[must_use = "dropping a collective at once waits for it"]
pub struct Work(State);

enum State {
    Done(Result<Tensor>),
    Running(Box<dyn Pending>),
    Taken,
}

impl Work {
    pub(super) fn done(result: Result<Tensor>) -> Self {
        Self(State::Done(result))
    }

    pub(super) fn running(pending: Box<dyn Pending>) -> Self {
        Self(State::Running(pending))
    }

    /// The collective's result.
    ///
    /// # Errors
    /// When the collective could not begin, or could not complete on this rank.
    pub fn wait(mut self) -> Result<Tensor> {
        match std::mem::replace(&mut self.0, State::Taken) {
            State::Done(result) => result,
            State::Running(pending) => pending.wait(),
            State::Taken => {
                unreachable!("only `wait` and `drop` take the state, and both end the handle")
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // A panicking rank must not wait: the others learn of its failure instead.
        if let State::Running(pending) = std::mem::replace(&mut self.0, State::Taken)
            && !std::thread::panicking()
        {
            pending.finish();
        }
    }
}
