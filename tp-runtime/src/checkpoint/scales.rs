//! Weights stored as 8-bit floats: which scales belong to them, and what they are worth.

use std::collections::BTreeMap;
use std::ops::Range;

use tch::{Kind, Tensor};

use super::dtype::fp8_kind;
use super::slices::Part;
use super::stored::Stored;
use crate::config::Fp8;
use crate::error::CheckpointError;

/// What a weight's name ends in, and what its scale's ends in instead: as DeepSeek writes them (the scale
/// multiplies, for all its name), as FBGEMM, compressed-tensors and modelopt do, and DeepSeek's newer one.
const SCALES: [(&str, &str); 3] = [("", "_scale_inv"), ("", "_scale"), (".weight", ".scale")];

/// The last part of the names of scales of activations and caches, which are held in the run's dtype.
const OF_ACTIVATIONS: [&str; 7] = [
    "activation_scale",
    "input_scale",
    "input_scale_ub",
    "k_scale",
    "output_scale",
    "q_scale",
    "v_scale",
];

/// The scales of a weight: one for each block of it.
pub(super) struct Scales {
    pub(super) name: String,
    pub(super) stored: Stored,
    /// How many blocks each dimension has.
    pub(super) grid: Vec<i64>,
    /// Indices of each dimension that share a scale; the last block may have fewer.
    block: Vec<i64>,
}

/// Takes all scales out of the tensors of a checkpoint, and gives those of each weight.
pub(super) fn take(
    tensors: &mut BTreeMap<String, Stored>,
    fp8: Fp8,
) -> Result<BTreeMap<String, Scales>, CheckpointError> {
    tensors.retain(|name, _| {
        let last = name.rsplit('.').next().unwrap_or(name);
        !OF_ACTIVATIONS.contains(&last)
    });
    let is_fp8 = |stored: &Stored| fp8_kind(stored.info.dtype).is_some();
    let weights = tensors.iter().filter(|(_, stored)| is_fp8(stored));
    let weights: Vec<String> = weights.map(|(name, _)| name.clone()).collect();
    let mut scales = BTreeMap::new();
    for weight in weights {
        let mut names = SCALES.iter().filter_map(|(end, scale)| {
            let start = weight.strip_suffix(end)?;
            Some(format!("{start}{scale}"))
        });
        let Some((name, stored)) = names.find_map(|name| tensors.remove_entry(&name)) else {
            continue;
        };
        let shape = &tensors[&weight].info.shape;
        let Some((grid, block)) = blocks(shape, &stored.info.shape, fp8.block) else {
            return Err(CheckpointError::Scales {
                shape: shape.clone(),
                weight,
                scales: name,
                found: stored.info.shape,
            });
        };
        let scale = Scales {
            name,
            stored,
            grid,
            block,
        };
        scales.insert(weight, scale);
    }
    Ok(scales)
}

/// How many blocks each dimension of a weight has, and how long they are, given the shape of its scales.
fn blocks(
    weight: &[i64],
    scales: &[i64],
    declared: Option<[i64; 2]>,
) -> Option<(Vec<i64>, Vec<i64>)> {
    let mut grid = scales.to_vec();
    if grid.iter().all(|&count| count == 1) {
        grid.clear();
    }
    // One for the whole weight, or one a row, may lack dimensions.
    grid.resize(weight.len().max(grid.len()), 1);
    if grid.len() > weight.len() {
        return None;
    }
    let block = weight
        .iter()
        .zip(&grid)
        .enumerate()
        .map(|(dim, (&length, &count))| {
            let declared = declared
                .filter(|_| weight.len() == 2)
                .map(|block| block[dim]);
            match declared.filter(|&block| count > 0 && (length + block - 1) / block == count) {
                Some(block) => Some(block),
                None if count == 1 => Some(length),
                None => (count > 0 && length > 0 && length % count == 0).then(|| length / count),
            }
        });
    let block: Option<Vec<i64>> = block.collect();
    Some((grid, block?))
}

impl Scales {
    /// The blocks that a part of the weight lies in, dimension and ranges.
    pub(super) fn of(&self, part: Part<'_>) -> Option<(usize, Vec<Range<i64>>)> {
        match part {
            Part::Ranges(dim, ranges) if self.grid[dim] > 1 => {
                let ranges = ranges.iter().map(|range| self.blocks(dim, range));
                Some((dim, ranges.collect()))
            }
            _ => None,
        }
    }

    /// The blocks that indices of a dimension lie in.
    fn blocks(&self, dim: usize, indices: &Range<i64>) -> Range<i64> {
        let block = self.block[dim];
        let first = indices.start / block;
        match indices.is_empty() {
            true => first..first,
            false => first..(indices.end - 1) / block + 1,
        }
    }

    /// The values of a part of the weight, given as it is stored, and the scales of the blocks it lies in.
    pub(super) fn multiply(
        &self,
        part: Part<'_>,
        stored: &Tensor,
        mut scales: Tensor,
    ) -> Result<Tensor, CheckpointError> {
        // Where there is one block, its scale serves every index.
        for dim in (0..self.grid.len()).filter(|&dim| self.grid[dim] > 1) {
            let whole = 0..stored.size()[dim];
            let ranges = match part {
                Part::Ranges(split, ranges) if split == dim => ranges,
                _ => std::slice::from_ref(&whole),
            };
            let mut places = Vec::new();
            let mut read = 0;
            for range in ranges {
                let blocks = self.blocks(dim, range);
                let place = |index: i64| read + index / self.block[dim] - blocks.start;
                places.extend(range.clone().map(place));
                read += blocks.end - blocks.start;
            }
            let places = Tensor::f_from_slice(&places)?.f_to_device(scales.device())?;
            scales = scales.f_index_select(dim as i64, &places)?;
        }
        Ok(stored.f_to_kind(Kind::Float)?.f_mul(&scales)?)
    }
}
