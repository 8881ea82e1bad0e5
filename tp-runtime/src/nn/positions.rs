//! Where the tokens of one forward stand, and what each of them may see.

use tch::{Device, Kind, TchError, Tensor};

use super::{AttentionMask, KvCache};
use crate::Result;
use crate::error::InputError;
use crate::inputs::Inputs;

/// The positions of one forward.
#[derive(Debug)]
pub struct Positions {
    length: i64,
    device: Device,
    attention_mask: Option<Tensor>,
    position_ids: Option<Tensor>,
    token_type_ids: Option<Tensor>,
    start: i64,
    /// Where the one token stands, if the processor need not know, and how many places there are.
    place: Option<(Tensor, i64)>,
    kind: Kind,
}

impl Positions {
    /// Those of `inputs` after what `cache` holds, for activations of `kind`.
    pub fn new(inputs: &Inputs, cache: Option<&KvCache>, kind: Kind) -> Self {
        let shared = |tensor: &Option<Tensor>| tensor.as_ref().map(Tensor::shallow_clone);
        Self {
            length: inputs.input_ids.size()[1],
            device: inputs.input_ids.device(),
            attention_mask: shared(&inputs.attention_mask),
            position_ids: shared(&inputs.position_ids),
            token_type_ids: shared(&inputs.token_type_ids),
            start: cache.map_or(0, KvCache::length),
            place: cache
                .and_then(KvCache::place)
                .map(|place| (place.index.shallow_clone(), place.room)),
            kind,
        }
    }

    /// The first one, as the processor knows it; a forward that is captured must go by [`Self::places`].
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The one after the last; of a static cache, the one after the last there is room for.
    pub fn end(&self) -> i64 {
        match &self.place {
            Some((_, room)) => *room,
            None => self.start + self.length(),
        }
    }

    /// How many positions the longest text has, earlier ones included. Where `position_ids` say them, the device is
    /// asked and waited for.
    ///
    /// # Errors
    /// When libtorch refuses to tell.
    pub fn longest(&self) -> Result<i64, TchError> {
        match &self.position_ids {
            Some(ids) => Ok(ids.f_max()?.f_int64_value(&[])? + 1),
            None => Ok(self.end()),
        }
    }

    /// Whether a token may stand beyond the first `limit`, as far as the processor knows.
    pub fn may_exceed(&self, limit: i64) -> bool {
        self.position_ids.is_some() || self.end() > limit
    }

    /// All of them, as numbers on the device.
    ///
    /// # Shapes
    /// `[sequence]` of f32, or `[batch, sequence]` where `position_ids` say them
    ///
    /// # Errors
    /// When libtorch cannot allocate them.
    pub fn places(&self) -> Result<Tensor, TchError> {
        match (&self.place, &self.position_ids) {
            (Some((index, _)), _) => index.f_to_kind(Kind::Float),
            (None, Some(ids)) => ids.f_to_kind(Kind::Float),
            (None, None) => {
                Tensor::f_arange_start(self.start, self.end(), (Kind::Float, self.device))
            }
        }
    }

    /// How many there are.
    pub fn length(&self) -> i64 {
        self.length
    }

    /// The kind of the activations.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the activations are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Each position sees itself and all before it; those of one image see one another.
    ///
    /// # Errors
    /// When libtorch cannot allocate the mask.
    pub fn causal(&self) -> Result<AttentionMask> {
        self.sliding(None)
    }

    /// Each position sees, of those that [`Self::causal`] shows, the last `window` before it, itself included.
    ///
    /// # Errors
    /// When libtorch cannot allocate the mask.
    pub fn sliding(&self, window: Option<i64>) -> Result<AttentionMask> {
        let window = window.filter(|window| *window < self.end());
        if let Some((index, room)) = &self.place {
            return self.written(index, *room, window);
        }
        let Self {
            attention_mask,
            position_ids,
            token_type_ids,
            ..
        } = self;
        let is_plain =
            attention_mask.is_none() && position_ids.is_none() && token_type_ids.is_none();
        if is_plain && window.is_none() {
            return Ok(AttentionMask::Causal);
        }
        let options = (Kind::Bool, self.device());
        let all = Tensor::f_ones([self.length(), self.end()], options)?;
        // [batch or 1, queries, keys]
        let mut seen = all.f_tril(self.start)?.f_unsqueeze(0)?;
        if let Some(types) = token_type_ids {
            seen = seen.f_logical_or(&self.same_image(types)?)?;
        }
        if let Some(window) = window {
            seen = seen.f_logical_and(&all.f_triu(self.start + 1 - window)?)?;
        }
        if let (Some(ids), None) = (position_ids, attention_mask) {
            seen = seen.f_logical_and(&self.same_text(ids)?)?;
        }
        if let Some(mask) = attention_mask {
            seen = seen.f_logical_and(&mask.f_to_kind(Kind::Bool)?.f_unsqueeze(1)?)?;
        }
        Ok(AttentionMask::additive(&seen.f_unsqueeze(1)?, self.kind)?)
    }

    /// What the one token of a static cache sees: all that was written, itself included, or the last `window`.
    fn written(&self, index: &Tensor, room: i64, window: Option<i64>) -> Result<AttentionMask> {
        let given = [
            (&self.attention_mask, "an `attention_mask`"),
            (&self.position_ids, "`position_ids`"),
            (&self.token_type_ids, "`token_type_ids`"),
        ]
        .into_iter()
        .find_map(|(tensor, name)| tensor.is_some().then(|| name.to_owned()))
        .or_else(|| (self.length != 1).then(|| format!("{} tokens", self.length)));
        if let Some(given) = given {
            return Err(InputError::CacheStatic { given }.into());
        }
        let places = Tensor::f_arange(room, (Kind::Int64, self.device))?;
        let mut seen = places.f_le_tensor(index)?;
        if let Some(window) = window {
            seen = seen.f_logical_and(&places.f_gt_tensor(&index.f_sub_scalar(window)?)?)?;
        }
        Ok(AttentionMask::additive(
            &seen.f_view([1, 1, 1, room])?,
            self.kind,
        )?)
    }

    /// Whether query and key belong to one text: a run of positions that go on by one.
    fn same_text(&self, ids: &Tensor) -> Result<Tensor, TchError> {
        let steps = ids.f_diff::<Tensor>(1, 1, None, None)?;
        let starts = steps.f_ne(1)?.f_constant_pad_nd([1, 0])?;
        let which = starts.f_cumsum(1, Kind::Int64)?;
        which.f_unsqueeze(2)?.f_eq_tensor(&which.f_unsqueeze(1)?)
    }

    /// Whether query and key belong to one image: a run of ones.
    fn same_image(&self, types: &Tensor) -> Result<Tensor, TchError> {
        let image = types.f_eq(1)?;
        let before = image
            .f_constant_pad_nd([1, 0])?
            .f_narrow(1, 0, self.length())?;
        let first = image.f_logical_and(&before.f_logical_not()?)?;
        let which = first
            .f_cumsum(1, Kind::Int64)?
            .f_masked_fill(&image.f_logical_not()?, 0)?;
        let keys = which.f_constant_pad_nd([self.start, 0])?;
        let same = which.f_unsqueeze(2)?.f_eq_tensor(&keys.f_unsqueeze(1)?)?;
        same.f_logical_and(&image.f_unsqueeze(2)?)
    }
}
