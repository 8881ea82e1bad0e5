//! Keys and values of the positions already seen: this rank's heads only.

use tch::Tensor;

use crate::model::InputError;

/// A cache for incremental decoding, filled layer by layer.
#[derive(Default)]
pub struct KvCache {
    layers: Vec<Option<(Tensor, Tensor)>>,
    length: i64,
    capacity: i64,
}

impl KvCache {
    /// An empty cache for at most `capacity` positions; memory is taken when a layer first writes.
    pub fn new(capacity: i64) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// How many positions every layer has seen.
    pub fn length(&self) -> i64 {
        self.length
    }

    /// The part of one layer.
    pub fn layer(&mut self, index: usize) -> LayerCache<'_> {
        if self.layers.len() <= index {
            self.layers.resize_with(index + 1, || None);
        }
        LayerCache {
            length: self.length,
            capacity: self.capacity,
            written: &mut self.layers[index],
        }
    }

    /// Says that every layer has written `new` positions.
    pub fn advance(&mut self, new: i64) {
        self.length += new;
    }
}

/// One layer's keys and values.
pub struct LayerCache<'a> {
    length: i64,
    capacity: i64,
    written: &'a mut Option<(Tensor, Tensor)>,
}

impl LayerCache<'_> {
    /// How many positions precede the new ones.
    pub(super) fn past(&self) -> i64 {
        self.length
    }

    /// Appends keys and values, and gives all there are by now.
    ///
    /// # Shapes
    /// `[batch, heads, new, head_dim]` → `[batch, heads, past + new, head_dim]`
    ///
    /// # Errors
    /// When the positions exceed the capacity, another batch filled the cache, or autograd records.
    pub(super) fn append(
        self,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(Tensor, Tensor), InputError> {
        if keys.requires_grad() || values.requires_grad() {
            return Err(InputError::CacheRecorded);
        }
        let new = keys.size()[2];
        let positions = self.length + new;
        if positions > self.capacity {
            return Err(InputError::CacheFull {
                capacity: self.capacity,
                positions,
            });
        }
        let room = |like: &Tensor| {
            let mut shape = like.size();
            shape[2] = self.capacity;
            Tensor::empty(shape, (like.kind(), like.device()))
        };
        let (k, v) = self
            .written
            .get_or_insert_with(|| (room(keys), room(values)));
        if k.size()[0] != keys.size()[0] {
            return Err(InputError::CacheShape {
                found: k.size(),
                given: keys.size(),
            });
        }
        k.narrow(2, self.length, new).copy_(keys);
        v.narrow(2, self.length, new).copy_(values);
        Ok((k.narrow(2, 0, positions), v.narrow(2, 0, positions)))
    }
}
