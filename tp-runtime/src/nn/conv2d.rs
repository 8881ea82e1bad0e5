//! Convolution over images: how vision towers cut them into patches.

use crate::leaf;
use crate::module::{Initial, ParallelContext, Param};
use tp_plan::ModuleKind;

#[cfg(feature = "torch")]
use {crate::Result, crate::dtensor::DTensor, crate::error::InputError, tp_plan::Placement};

/// A convolution without overlap or padding, as `torch.nn.Conv2d` with `stride = kernel_size`; every rank
/// holds it whole.
pub struct Conv2d {
    /// `[out_channels, in_channels, kernel, kernel]`
    weight: Param,
    /// `[out_channels]`
    bias: Option<Param>,
    kernel: i64,
    context: ParallelContext,
}

impl Conv2d {
    /// A convolution of squares of `kernel` x `kernel` pixels.
    pub fn new(in_channels: i64, out_channels: i64, kernel: i64, bias: bool) -> Self {
        Self {
            weight: Param::new(&[out_channels, in_channels, kernel, kernel]),
            bias: bias.then(|| Param::new(&[out_channels]).initial(Initial::Zeros)),
            kernel,
            context: ParallelContext::default(),
        }
    }
}

leaf!(Conv2d, ModuleKind::Convolution, [weight, bias]);

#[cfg(feature = "torch")]
impl Conv2d {
    /// Applies the convolution.
    ///
    /// # Shapes
    /// `[images, in_channels, height, width]` → `[images, out_channels, height / kernel, width / kernel]`
    ///
    /// # Errors
    /// When the images are not whole on every rank, or have other channels.
    pub fn forward(&self, images: &DTensor) -> Result<DTensor> {
        let channels = self.weight.shape()[1];
        if images.shape().get(1) != Some(&channels) {
            let found = images.shape().to_vec();
            let wanted = format!("[images, {channels}, height, width]");
            let name = "pixel_values";
            return Err(InputError::Shape {
                name,
                found,
                wanted,
            }
            .into());
        }
        self.context.forward(images, |pass| {
            if pass.placement() != Placement::Replicate {
                return Err(pass.refuse(Placement::Replicate));
            }
            let weight = pass.parameter(&self.weight)?;
            let bias = self.bias.as_ref().map(|bias| pass.parameter(bias));
            let stride = [self.kernel, self.kernel];
            let patches =
                pass.input()
                    .f_conv2d(&weight, bias.transpose()?, stride, [0, 0], [1, 1], 1)?;
            let shape = patches.size();
            pass.give_shaped(patches, &shape)
        })
    }
}
