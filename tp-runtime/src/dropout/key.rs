//! What the masks of a forward follow from.

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};

use super::splitmix::number;

/// What tells the masks of one training forward from those of every other.
///
/// A [`Trainer`](crate::train::Trainer) gives each of its forwards one, by its seed, the step, and where the
/// samples stand in the global batch. A loop of one's own sets [`Inputs::dropout_key`](crate::model::Inputs::dropout_key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropoutKey {
    /// Of seed and step.
    number: i64,
    /// The place of the first row in the global batch.
    first_row: i64,
    /// The place of the first image among all of the global batch.
    first_image: i64,
    /// How many positions each row has, where they stand one after another in a single one.
    packed: Option<Vec<i64>>,
}

impl DropoutKey {
    /// The key of a step, of a forward of its whole batch.
    pub fn new(seed: u64, step: u64) -> Self {
        Self {
            number: number(seed.cast_signed(), step.cast_signed()),
            first_row: 0,
            first_image: 0,
            packed: None,
        }
    }

    /// The key of a forward whose samples and images follow so many others in the global batch.
    #[must_use]
    pub fn after(self, samples: i64, images: i64) -> Self {
        Self {
            first_row: samples,
            first_image: images,
            ..self
        }
    }

    /// The key for activations each row of which is an image.
    #[must_use]
    pub fn of_images(&self) -> Self {
        Self {
            first_row: self.first_image,
            ..self.clone()
        }
    }

    /// The key for activations whose only row has all rows one after another, of so many positions each.
    #[must_use]
    pub fn packed(self, positions: Vec<i64>) -> Self {
        Self {
            packed: Some(positions),
            ..self
        }
    }

    /// The seed of the masks for what the layer at `site` makes.
    pub(super) fn of_site(&self, site: &str) -> i64 {
        let length = number(self.number, site.len() as i64);
        site.bytes()
            .fold(length, |seed, byte| number(seed, i64::from(byte)))
    }

    /// Which row of the global batch each position belongs to, and where it is in the row.
    ///
    /// # Shapes
    /// `[rows, 1]` and `[1, positions]`; `[1, positions]` twice where rows are packed
    pub(super) fn places(
        &self,
        rows: Range<i64>,
        positions: Range<i64>,
        device: Device,
    ) -> Result<(Tensor, Tensor), TchError> {
        let Some(packed) = &self.packed else {
            let rows = self.first_row + rows.start..self.first_row + rows.end;
            let (rows, positions) = (arange(rows, device)?, arange(positions, device)?);
            return Ok((rows.f_unsqueeze(1)?, positions.f_unsqueeze(0)?));
        };
        let join = |rows: Vec<Result<Tensor, TchError>>| {
            let rows: Vec<Tensor> = rows.into_iter().collect::<Result<_, _>>()?;
            let whole = Tensor::f_cat(&rows, 0)?.f_unsqueeze(0)?;
            whole.f_narrow(1, positions.start, positions.end - positions.start)
        };
        let options = (Kind::Int64, device);
        let numbered = (self.first_row..).zip(packed);
        let rows = numbered.map(|(row, &length)| Tensor::f_full([length], row, options));
        let places = packed.iter().map(|&length| arange(0..length, device));
        Ok((join(rows.collect())?, join(places.collect())?))
    }
}

pub(super) fn arange(range: Range<i64>, device: Device) -> Result<Tensor, TchError> {
    Tensor::f_arange_start(range.start, range.end, (Kind::Int64, device))
}
