//! Where a program waits for its GPU, and work that is recorded once and asked for again.

use std::ffi::c_int;
use std::ptr::NonNull;

use tch::TchError;

use super::error::{check, last_error};

#[repr(C)]
struct CGraph {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn tp_cuda_forbid_waits(forbid: c_int) -> c_int;
    fn tp_graph_begin(device: c_int) -> *mut CGraph;
    fn tp_graph_end(graph: *mut CGraph) -> c_int;
    fn tp_graph_replay(graph: *mut CGraph) -> c_int;
    fn tp_graph_free(graph: *mut CGraph);
}

/// Makes every call of this process that waits for a GPU fail, or none.
pub(crate) fn forbid_waits(forbid: bool) -> Result<(), TchError> {
    // SAFETY: sets one flag of libtorch's.
    check(unsafe { tp_cuda_forbid_waits(forbid.into()) }).map(drop)
}

/// What a thread asks of a GPU, recorded.
pub(crate) struct Graph(NonNull<CGraph>);

impl Graph {
    /// Begins to record what this thread asks of the GPU.
    pub(crate) fn begin(device: usize) -> Result<Self, TchError> {
        let device = c_int::try_from(device).unwrap_or(c_int::MAX);
        // SAFETY: takes a number.
        let graph = unsafe { tp_graph_begin(device) };
        NonNull::new(graph).map(Self).ok_or_else(last_error)
    }

    /// Ends it.
    pub(crate) fn end(&mut self) -> Result<(), TchError> {
        // SAFETY: the graph is alive, and nobody else has it.
        check(unsafe { tp_graph_end(self.0.as_ptr()) }).map(drop)
    }

    /// Asks for all of it again.
    pub(crate) fn replay(&mut self) -> Result<(), TchError> {
        // SAFETY: the graph is alive, and nobody else has it.
        check(unsafe { tp_graph_replay(self.0.as_ptr()) }).map(drop)
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: the pointer is the shim's own, given up once.
        unsafe { tp_graph_free(self.0.as_ptr()) }
    }
}
