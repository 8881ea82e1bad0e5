//! The way from a vision tower's patches to positions of the text, whole on every rank.
//!
//! Shapes: H hidden of the text, E hidden of the tower, N patches of all images, M patches a side that are merged
//! into one position, R positions of all images.

use tp_runtime::Module;
use tp_runtime::nn::{Activation, Linear, LinearShape, RmsNorm};

use super::Mistral3Config;
use crate::layers::DecoderConfig;

#[cfg(feature = "torch")]
use {crate::pixtral::Grid, tch::Tensor, tp_runtime::Result, tp_runtime::dtensor::DTensor};

/// From patches of the tower to positions of the text.
#[derive(Module)]
pub struct Mistral3MultiModalProjector {
    norm: RmsNorm,
    patch_merger: Mistral3PatchMerger,
    linear_1: Linear,
    linear_2: Linear,
    #[module(skip)]
    activation: Activation,
}

/// Squares of patches into one.
#[derive(Module)]
pub struct Mistral3PatchMerger {
    merging_layer: Linear,
    #[module(skip)]
    side: i64,
}

impl Mistral3MultiModalProjector {
    pub(super) fn new(config: &Mistral3Config, text: &DecoderConfig, vision: i64) -> Self {
        let side = config.spatial_merge_size;
        let linear = |from| {
            let shape = LinearShape::new(from, text.hidden_size);
            Linear::new(shape.bias(config.multimodal_projector_bias))
        };
        Self {
            norm: RmsNorm::new(vision, text.norm_eps),
            patch_merger: Mistral3PatchMerger {
                merging_layer: Linear::new(LinearShape::new(vision * side * side, vision)),
                side,
            },
            linear_1: linear(vision),
            linear_2: linear(text.hidden_size),
            activation: config.projector_hidden_act,
        }
    }
}

#[cfg(feature = "torch")]
impl Mistral3MultiModalProjector {
    /// M
    pub(super) fn side(&self) -> i64 {
        self.patch_merger.side
    }

    /// `[1, N, E]` → `[R, H]`
    pub(super) fn forward(&self, patches: &DTensor, grids: &[Grid]) -> Result<DTensor> {
        let x = self.norm.forward(patches)?;
        let x = self.patch_merger.forward(&x, grids)?;
        let x = self.linear_1.forward(&x)?;
        let x = x.map("an activation", x.shape(), |x| self.activation.apply(&x))?;
        self.linear_2.forward(&x)
    }
}

#[cfg(feature = "torch")]
impl Mistral3PatchMerger {
    /// `[1, N, E]` → `[R, E]`
    fn forward(&self, patches: &DTensor, grids: &[Grid]) -> Result<DTensor> {
        let (side, width) = (self.side, patches.shape()[2]);
        let merged = |grid: &Grid| grid.merged(side).patches();
        let shape = [grids.iter().map(merged).sum(), width * side * side];
        let squares = patches.map("merging patches", &shape, |local| {
            let lengths: Vec<i64> = grids.iter().map(|grid| grid.patches()).collect();
            let images = local.f_squeeze_dim(0)?.f_split_with_sizes(lengths, 0)?;
            let squares = |(image, grid): (&Tensor, &Grid)| {
                // [E, rows, columns], then one column of features for each square
                let image = image.f_view([grid.rows, grid.columns, width])?;
                let image = image.f_permute([2, 0, 1])?.f_unsqueeze(0)?;
                let each = [side, side];
                let columns = image.f_im2col(each, [1, 1], [0, 0], each)?;
                columns.f_squeeze_dim(0)?.f_transpose(0, 1)
            };
            let images = images.iter().zip(grids).map(squares);
            Tensor::f_cat(&images.collect::<Result<Vec<Tensor>, _>>()?, 0)
        })?;
        self.merging_layer.forward(&squares)
    }
}
