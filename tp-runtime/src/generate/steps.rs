//! The forwards of a text that grows: its prompt, then token after token.

use crate::Result;
use crate::dtensor::DTensor;
use crate::model::Inputs;
use crate::nn::KvCache;
use crate::parallel::ParallelModel;

#[cfg(feature = "nccl")]
use super::captured::CapturedStep;

/// A model with what it remembers of a text.
pub(super) struct Steps<'a> {
    model: &'a ParallelModel,
    /// How many positions there will be at most.
    limit: i64,
    cache: KvCache,
    /// Whether the forward of a token may be captured.
    capture: bool,
    /// On a GPU, the forward of one token.
    #[cfg(feature = "nccl")]
    captured: Option<CapturedStep>,
}

impl<'a> Steps<'a> {
    /// A text of at most `limit` positions, on a GPU captured step by step where that is asked for.
    pub(super) fn new(model: &'a ParallelModel, limit: i64, capture: bool) -> Self {
        Self {
            model,
            limit,
            cache: KvCache::new(limit),
            capture: capture && cfg!(feature = "nccl") && model.device().is_cuda(),
            #[cfg(feature = "nccl")]
            captured: None,
        }
    }

    /// How many positions the model remembers.
    pub(super) fn length(&self) -> i64 {
        self.cache.length()
    }

    /// Logits of the last position, after what was given before.
    pub(super) fn logits(&mut self, inputs: &Inputs) -> Result<DTensor> {
        #[cfg(feature = "nccl")]
        if self.captures(inputs) {
            let step = match self.captured.take().filter(|step| step.fits(&self.cache)) {
                Some(step) => step,
                None => CapturedStep::capture(self.model, &mut self.cache, inputs, self.limit)?,
            };
            let step = self.captured.insert(step);
            return step.replay(&mut self.cache, inputs);
        }
        self.cache.make_growing();
        self.model.forward(inputs, Some(&mut self.cache))
    }

    /// Takes over the first `kept` positions of another text.
    pub(super) fn recall(&mut self, other: Self, kept: i64) {
        self.cache = other.cache;
        self.cache.cut(kept, self.limit);
    }

    /// Forgets the text; what is given next begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.model, self.limit, self.capture);
    }
}

#[cfg(feature = "nccl")]
impl Steps<'_> {
    /// Whether the forward is one of a token that the GPU can be told once. Collectives are not captured.
    fn captures(&self, inputs: &Inputs) -> bool {
        let (seen, model) = (self.cache.length(), self.model);
        let is_padded = inputs.attention_mask.is_some();
        let is_step = seen > 0 && inputs.input_ids.size()[1] == 1 && !is_padded;
        let room = CapturedStep::room(seen, self.limit);
        self.capture
            && is_step
            && model.group().size() == 1
            && model.can_be_captured()
            && !model.outgrows_cache(seen, room)
    }
}
