//! The forward of one token as a GPU is told it once.

use tch::{Device, Tensor};

use crate::Result;
use crate::comm::cuda::CudaGraph;
use crate::dtensor::DTensor;
use crate::model::Inputs;
use crate::nn::KvCache;
use crate::parallel::ParallelModel;

/// The least room of a cache, in positions; each time it is full there is twice as much.
const LEAST_ROOM: i64 = 128;

/// Positions in whole numbers of which attention kernels read masks.
const ALIGNMENT: i64 = 16;

/// The forward of one token in a static cache, captured.
///
/// The processor needs longer to ask for the hundreds of small kernels of a token than a GPU to run them.
pub(super) struct CapturedStep {
    graph: CudaGraph,
    /// The token, which each replay reads here.
    ids: Tensor,
    /// Its logits, which each replay leaves here.
    logits: DTensor,
    /// How many positions the cache has room for.
    room: i64,
}

impl CapturedStep {
    /// How much room the cache of a text gets that has `seen` positions, and may have `limit`.
    pub(super) fn room(seen: i64, limit: i64) -> i64 {
        let limit = limit.saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        let mut room = LEAST_ROOM;
        while room <= seen {
            room *= 2;
        }
        room.min(limit)
    }

    /// Captures the forward of `inputs`, one token after what `cache` holds, and does nothing else.
    pub(super) fn capture(
        model: &ParallelModel,
        cache: &mut KvCache,
        inputs: &Inputs,
        limit: i64,
    ) -> Result<Self> {
        let room = Self::room(cache.length(), limit);
        cache.make_static(room)?;
        let ids = inputs.input_ids.copy();
        let own = Inputs {
            logits_to_keep: inputs.logits_to_keep,
            ..Inputs::new(ids.shallow_clone())
        };
        // Once for what kernels do at their first call.
        model.forward(&own, Some(cache))?;
        cache.step_back()?;
        let Device::Cuda(device) = model.device() else {
            unreachable!("only a GPU's work is captured");
        };
        let place = cache.length();
        let (graph, logits) = CudaGraph::capture(device, || model.forward(&own, Some(cache)))?;
        // The processor counted the position, and the GPU has not.
        cache.set_length(place);
        Ok(Self {
            graph,
            ids,
            logits,
            room,
        })
    }

    /// Whether the cache is the one that was captured, and has room for one more.
    pub(super) fn fits(&self, cache: &KvCache) -> bool {
        cache.room() == Some(self.room) && cache.length() < self.room
    }

    /// Runs the forward of another token at the next position.
    pub(super) fn replay(&mut self, cache: &mut KvCache, inputs: &Inputs) -> Result<DTensor> {
        self.ids.f_copy_(&inputs.input_ids)?;
        self.graph.replay()?;
        cache.set_length(cache.length() + 1);
        Ok(self.logits.clone())
    }
}
