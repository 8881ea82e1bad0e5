//! Keys and values of the positions already seen: this rank's heads only.

use tch::Tensor;

use crate::Result;
use crate::error::InputError;

/// A cache for incremental decoding, filled layer by layer.
#[derive(Default)]
pub struct KvCache {
    layers: Vec<Option<(Tensor, Tensor)>>,
    length: i64,
    capacity: i64,
}

impl KvCache {
    /// An empty cache for at most `capacity` positions; memory is taken as layers write, in doubling steps.
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
    /// When the positions exceed the capacity, another batch or model filled the cache, autograd
    /// records, or there is no memory left.
    pub(super) fn append(self, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        if keys.requires_grad() || values.requires_grad() {
            return Err(InputError::CacheRecorded.into());
        }
        let (past, new) = (self.length, keys.size()[2]);
        let positions = past + new;
        if positions > self.capacity {
            return Err(InputError::CacheFull {
                capacity: self.capacity,
                positions,
            }
            .into());
        }
        let (k, v) = match &*self.written {
            None => (
                with_room(keys, 0, positions)?,
                with_room(values, 0, positions)?,
            ),
            Some((k, v)) => {
                check_shape(k, keys)?;
                check_shape(v, values)?;
                let room = k.size()[2];
                if positions <= room {
                    (k.shallow_clone(), v.shallow_clone())
                } else {
                    let room = positions.max(self.capacity.min(2 * room));
                    (with_room(k, past, room)?, with_room(v, past, room)?)
                }
            }
        };
        k.f_narrow(2, past, new)?.f_copy_(keys)?;
        v.f_narrow(2, past, new)?.f_copy_(values)?;
        let all = (k.f_narrow(2, 0, positions)?, v.f_narrow(2, 0, positions)?);
        *self.written = Some((k, v));
        Ok(all)
    }
}

/// Room for so many positions, the first `kept` of which are those of `like`.
fn with_room(like: &Tensor, kept: i64, positions: i64) -> Result<Tensor> {
    let mut shape = like.size();
    shape[2] = positions;
    let room = Tensor::f_empty(shape, (like.f_kind()?, like.device()))?;
    room.f_narrow(2, 0, kept)?
        .f_copy_(&like.f_narrow(2, 0, kept)?)?;
    Ok(room)
}

/// As many texts as before, as many heads, each as wide.
fn check_shape(written: &Tensor, given: &Tensor) -> Result<(), InputError> {
    let (found, given) = (written.size(), given.size());
    if found[..2] == given[..2] && found[3..] == given[3..] {
        return Ok(());
    }
    Err(InputError::CacheShape { found, given })
}
