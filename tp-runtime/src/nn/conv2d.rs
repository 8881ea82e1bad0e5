//! Convolution over images: how vision towers cut them into patches.

use super::leaf::{Slot, leaf};
use crate::module::{Initial, Param};

#[cfg(feature = "torch")]
use {crate::Result, crate::dtensor::DTensor, crate::model::InputError};

/// A convolution without overlap or padding, as `torch.nn.Conv2d` with `stride = kernel_size`; every rank
/// holds it whole.
pub struct Conv2d {
    /// `[out_channels, in_channels, kernel, kernel]`
    weight: Param,
    /// `[out_channels]`
    bias: Option<Param>,
    kernel: i64,
    slot: Slot,
}

impl Conv2d {
    /// A convolution of squares of `kernel` x `kernel` pixels.
    pub fn new(in_channels: i64, out_channels: i64, kernel: i64, bias: bool) -> Self {
        Self {
            weight: Param::new(&[out_channels, in_channels, kernel, kernel]),
            bias: bias.then(|| Param::new(&[out_channels]).initial(Initial::Zeros)),
            kernel,
            slot: Slot::default(),
        }
    }
}

leaf!(Conv2d, Convolution, |this| {
    let bias = this.bias.as_ref().map(|bias| ("bias", bias));
    [("weight", &this.weight)].into_iter().chain(bias).collect()
});

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
        let placed = self.slot.get()?;
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
        let local = placed.read_whole(images)?;
        let bias = self.bias.as_ref().map(Param::local);
        let stride = [self.kernel, self.kernel];
        let patches = local.conv2d(&self.weight.local(), bias, stride, [0, 0], [1, 1], 1);
        Ok(DTensor::replicate(patches, &placed.group, &placed.path))
    }
}
