//! Keeping a GPU busy; behind the feature `nccl`.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tch::TchError;

use crate::ffi::{Graph, forbid_waits};

/// Runs `body`, in which any call of this process that waits for a GPU fails, such as reading a number of a
/// tensor there.
///
/// What a processor asks of a GPU is queued. It need wait only to read what came out; each wait beyond that leaves
/// the GPU without work until the next call reaches it.
///
/// ```no_run
/// # use tch::{Device, Kind, Tensor};
/// let ones = Tensor::ones([2], (Kind::Float, Device::Cuda(0)));
/// let read = tp_dist::cuda::without_waiting(|| f64::try_from(ones.sum(Kind::Float)))?;
/// assert!(read.is_err());
/// # Ok::<(), tch::TchError>(())
/// ```
///
/// # Errors
/// When libtorch cannot be told so.
pub fn without_waiting<T>(body: impl FnOnce() -> T) -> Result<T, TchError> {
    forbid_waits(true)?;
    let guard = AllowOnPanic;
    let value = body();
    std::mem::forget(guard);
    forbid_waits(false)?;
    Ok(value)
}

struct AllowOnPanic;

impl Drop for AllowOnPanic {
    fn drop(&mut self) {
        // The panic goes on; there is nobody to tell of a second fault.
        let _ = forbid_waits(false);
    }
}

/// What a thread asked of a GPU once, to be asked for again with a single call; as `torch.cuda.CUDAGraph`.
pub struct CudaGraph(Graph);

impl CudaGraph {
    /// Records what `body` asks of the GPU, which does nothing of it before [`Self::replay`].
    ///
    /// Each replay reads and writes the same memory as `body` did. So what changes from one to the next has to be in
    /// tensors that `body` did not make; those that it made are the graph's, and the next replay writes over them.
    /// `body` must not read a tensor, nor copy to or from the CPU. It should have run before, since libraries start
    /// with work that cannot be recorded.
    ///
    /// # Errors
    /// What `body` fails with, or when something in it cannot be recorded.
    pub fn capture<T, E: From<TchError>>(
        device: usize,
        body: impl FnOnce() -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let mut graph = Graph::begin(device)?;
        let made = catch_unwind(AssertUnwindSafe(body));
        let ended = graph.end();
        let made = made.unwrap_or_else(|panic| resume_unwind(panic))?;
        ended?;
        Ok((Self(graph), made))
    }

    /// Asks the GPU for all of it again, and does not wait.
    ///
    /// # Errors
    /// When CUDA refuses.
    pub fn replay(&mut self) -> Result<(), TchError> {
        self.0.replay()
    }
}
