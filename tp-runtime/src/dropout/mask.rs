//! Which elements are dropped.
//!
//! The number of an element is the one at its last index in the stream that starts from the number at the index
//! before, and so on up to the key's: only the last index costs a number for each element.

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};

use super::key::arange;
use super::splitmix::numbers;
use super::{Dropout, DropoutKey};
use crate::dtensor::DTensor;

/// How many elements are worked out at once, of which each takes two 64-bit integers meanwhile.
const BLOCK: i64 = 1 << 20;

impl DropoutKey {
    /// Which elements of this rank's part of `x` are dropped.
    ///
    /// # Shapes
    /// `[batch, sequence, features]`
    pub(super) fn dropped_features(
        &self,
        dropout: Dropout,
        x: &DTensor,
    ) -> Result<Tensor, TchError> {
        let device = x.device();
        let (rows, positions) = self.places(x.range(0), x.range(1), device)?;
        let indices = [
            rows.f_unsqueeze(-1)?,
            positions.f_unsqueeze(-1)?,
            arange(x.range(2), device)?,
        ];
        dropped(dropout, self.of_site(x.producer()), &indices)
    }

    /// Which probabilities of an attention are dropped, whose queries the layer at `site` made.
    ///
    /// # Shapes
    /// `[batch, heads, queries, keys]`
    pub(crate) fn dropped_probabilities(
        &self,
        dropout: Dropout,
        site: &str,
        [rows, heads, queries, keys]: [Range<i64>; 4],
        device: Device,
    ) -> Result<Tensor, TchError> {
        let (_, keys) = self.places(rows.clone(), keys, device)?;
        let (rows, queries) = self.places(rows, queries, device)?;
        let indices = [
            rows.f_unsqueeze(1)?.f_unsqueeze(-1)?,
            arange(heads, device)?.f_reshape([-1, 1, 1])?,
            queries.f_unsqueeze(1)?.f_unsqueeze(-1)?,
            keys,
        ];
        dropped(dropout, self.of_site(site), &indices)
    }
}

/// Which elements are dropped, whose indices are given dimension by dimension and broadcast to their shape.
fn dropped(dropout: Dropout, seed: i64, indices: &[Tensor]) -> Result<Tensor, TchError> {
    let Some((last, outer)) = indices.split_last() else {
        unreachable!() // tensors with dimensions have indices
    };
    let mut seeds = Tensor::f_full([1], seed, (Kind::Int64, last.device()))?;
    for indices in outer {
        seeds = numbers(&seeds, indices)?;
    }
    let mut shape = seeds.size();
    let last = last.f_reshape([1, -1])?;
    let length = last.size()[1];
    if let Some(last) = shape.last_mut() {
        *last = length;
    }
    let rows = (BLOCK / length.max(1)).max(1);
    let blocks = seeds.f_reshape([-1, 1])?.f_split(rows, 0)?;
    let blocks = blocks
        .iter()
        .map(|seeds| numbers(seeds, &last)?.f_lt(dropout.bound()));
    let blocks: Vec<Tensor> = blocks.collect::<Result<_, _>>()?;
    Tensor::f_cat(&blocks, 0)?.f_reshape(&shape)
}

impl Dropout {
    /// What the numbers of dropped elements are less than.
    fn bound(self) -> i64 {
        let numbers = 2_f64.powi(64) * self.probability();
        i64::MIN.wrapping_add_unsigned(numbers as u64)
    }
}
