//! Keys and values of the positions already seen: this rank's heads only.

use tch::Tensor;

use crate::Result;
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
    pub(super) fn append(self, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        if keys.requires_grad() || values.requires_grad() {
            return Err(InputError::CacheRecorded.into());
        }
        let new = keys.size()[2];
        let positions = self.length + new;
        if positions > self.capacity {
            return Err(InputError::CacheFull {
                capacity: self.capacity,
                positions,
            }
            .into());
        }
        let room = |like: &Tensor| {
            let mut shape = like.size();
            shape[2] = self.capacity;
            Tensor::f_empty(shape, (like.f_kind()?, like.device()))
        };
        let (k, v) = match self.written {
            Some(written) => written,
            none => none.insert((room(keys)?, room(values)?)),
        };
        // As many heads as before, each as wide, of as many texts.
        let fits = |written: &Tensor, given: &Tensor| {
            let (written, given) = (written.size(), given.size());
            written[..2] == given[..2] && written[3..] == given[3..]
        };
        if !fits(k, keys) || !fits(v, values) {
            return Err(InputError::CacheShape {
                found: k.size(),
                given: keys.size(),
            }
            .into());
        }
        k.f_narrow(2, self.length, new)?.f_copy_(keys)?;
        v.f_narrow(2, self.length, new)?.f_copy_(values)?;
        Ok((k.f_narrow(2, 0, positions)?, v.f_narrow(2, 0, positions)?))
    }
}
