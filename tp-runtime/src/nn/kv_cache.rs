//! Keys and values of the positions already seen: this rank's heads only.

use tch::{Kind, Tensor};

use crate::Result;
use crate::error::InputError;

/// A cache for incremental decoding, filled layer by layer.
#[derive(Default)]
pub struct KvCache {
    layers: Vec<Option<(Tensor, Tensor)>>,
    length: i64,
    capacity: i64,
    place: Option<Place>,
}

/// Where the next token stands, as a number that the processor need not know.
#[derive(Debug)]
pub(super) struct Place {
    /// `[1]`, on the device.
    pub(super) index: Tensor,
    /// How many positions there is room for.
    pub(super) room: i64,
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

    /// From now on every forward takes one token and does the same with the same memory, whatever its position:
    /// the position is a number on the device, there is room for `room` of them, and a token sees what of that
    /// was written. So it can be captured once and replayed (transformers `StaticCache`).
    ///
    /// # Errors
    /// When `room` does not hold what was written, or libtorch cannot allocate it.
    pub fn make_static(&mut self, room: i64) -> Result<()> {
        if room < self.length {
            return Err(InputError::CacheFull {
                capacity: room,
                positions: self.length,
            }
            .into());
        }
        for (k, v) in self.layers.iter_mut().flatten() {
            for tensor in [k, v] {
                let whole = with_room(tensor, self.length, room)?;
                // What was never written is multiplied by zero, and must be a number.
                let rest = whole.f_narrow(2, self.length, room - self.length)?;
                let _ = { rest }.f_zero_()?;
                *tensor = whole;
            }
        }
        let device = match self.layers.iter().flatten().next() {
            Some((k, _)) => k.device(),
            None => return Err(InputError::CacheEmpty.into()),
        };
        let index = Tensor::f_full([1], self.length, (Kind::Int64, device))?;
        self.place = Some(Place { index, room });
        Ok(())
    }

    /// From now on the cache grows again, and the processor counts its positions.
    pub fn make_growing(&mut self) {
        self.place = None;
    }

    /// How many positions a static cache has room for.
    pub fn room(&self) -> Option<i64> {
        self.place.as_ref().map(|place| place.room)
    }

    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Forgets all but the first `length` positions; from now on the cache grows, to at most `capacity`.
    pub(crate) fn cut(&mut self, length: i64, capacity: i64) {
        self.length = self.length.min(length);
        self.capacity = capacity;
        self.make_growing();
    }

    /// Takes back the last position, which is to be written again.
    #[cfg(feature = "nccl")]
    pub(crate) fn step_back(&mut self) -> Result<()> {
        self.length -= 1;
        if let Some(place) = &mut self.place {
            let _ = place.index.f_sub_scalar_(1)?;
        }
        Ok(())
    }

    /// Says how many positions there are, where the device has counted others than the processor.
    #[cfg(feature = "nccl")]
    pub(crate) fn set_length(&mut self, length: i64) {
        self.length = length;
    }

    /// The part of one layer.
    pub fn layer(&mut self, index: usize) -> LayerCache<'_> {
        if self.layers.len() <= index {
            self.layers.resize_with(index + 1, || None);
        }
        LayerCache {
            length: self.length,
            capacity: self.capacity,
            place: self.place.as_ref(),
            written: &mut self.layers[index],
        }
    }

    /// Says that every layer has written `new` positions.
    ///
    /// # Errors
    /// When libtorch cannot count them on the device.
    pub fn advance(&mut self, new: i64) -> Result<()> {
        self.length += new;
        if let Some(place) = &mut self.place {
            let _ = place.index.f_add_scalar_(new)?;
        }
        Ok(())
    }
}

/// One layer's keys and values.
pub struct LayerCache<'a> {
    length: i64,
    capacity: i64,
    place: Option<&'a Place>,
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
    /// `[batch, heads, new, head_dim]` → `[batch, heads, past + new, head_dim]`; all the room of a static cache
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
        if let (Some(place), Some((k, v))) = (self.place, &*self.written) {
            if positions > place.room {
                let capacity = place.room;
                return Err(InputError::CacheFull {
                    capacity,
                    positions,
                }
                .into());
            }
            check_shape(k, keys)?;
            check_shape(v, values)?;
            let write = |whole: &Tensor, one: &Tensor| {
                whole.shallow_clone().f_index_copy_(2, &place.index, one)
            };
            return Ok((write(k, keys)?, write(v, values)?));
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
