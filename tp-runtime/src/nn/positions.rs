//! Where the tokens of one forward stand, and what each of them may see.

use tch::{Device, Kind, Tensor};

use super::{AttentionMask, KvCache};
use crate::model::Inputs;

/// The positions of one forward.
pub struct Positions<'a> {
    inputs: &'a Inputs,
    start: i64,
    kind: Kind,
}

impl<'a> Positions<'a> {
    /// Those of `inputs` after what `cache` holds, for activations of `kind`.
    pub fn new(inputs: &'a Inputs, cache: Option<&KvCache>, kind: Kind) -> Self {
        let start = cache.map_or(0, KvCache::length);
        Self {
            inputs,
            start,
            kind,
        }
    }

    /// The first one.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The one after the last.
    pub fn end(&self) -> i64 {
        self.start + self.length()
    }

    /// How many there are.
    pub fn length(&self) -> i64 {
        self.inputs.input_ids.size()[1]
    }

    /// The kind of the activations.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the activations are.
    pub fn device(&self) -> Device {
        self.inputs.input_ids.device()
    }

    /// Each position sees itself and all before it; those of one image see one another.
    pub fn causal(&self) -> AttentionMask {
        self.sliding(None)
    }

    /// Each position sees, of those that [`Self::causal`] shows, the last `window` before it, itself included.
    pub fn sliding(&self, window: Option<i64>) -> AttentionMask {
        let window = window.filter(|window| *window < self.end());
        let Inputs {
            attention_mask,
            token_type_ids,
            ..
        } = self.inputs;
        if attention_mask.is_none() && token_type_ids.is_none() && window.is_none() {
            return AttentionMask::Causal;
        }
        let all = Tensor::ones([self.length(), self.end()], (Kind::Bool, self.device()));
        // [batch or 1, queries, keys]
        let mut seen = all.tril(self.start).unsqueeze(0);
        if let Some(types) = token_type_ids {
            seen = seen.logical_or(&self.same_image(types));
        }
        if let Some(window) = window {
            seen = seen.logical_and(&all.triu(self.start + 1 - window));
        }
        if let Some(mask) = attention_mask {
            seen = seen.logical_and(&mask.to_kind(Kind::Bool).unsqueeze(1));
        }
        AttentionMask::additive(&seen.unsqueeze(1), self.kind)
    }

    /// Whether query and key belong to one image: a run of ones.
    fn same_image(&self, types: &Tensor) -> Tensor {
        let image = types.eq(1);
        let before = image.constant_pad_nd([1, 0]).narrow(1, 0, self.length());
        let first = image.logical_and(&before.logical_not());
        let which = first
            .cumsum(1, Kind::Int64)
            .masked_fill(&image.logical_not(), 0);
        let keys = which.constant_pad_nd([self.start, 0]);
        let same = which.unsqueeze(2).eq_tensor(&keys.unsqueeze(1));
        same.logical_and(&image.unsqueeze(2))
    }
}
