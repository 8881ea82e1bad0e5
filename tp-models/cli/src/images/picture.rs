//! Pictures from files.

use std::path::Path;

use anyhow::{Context, Result};
use image::{DynamicImage, ImageDecoder, ImageReader};
use tch::Tensor;

/// The bytes of a picture, turned as its EXIF data says; transparency is dropped.
///
/// # Shapes
/// `[3, height, width]` of bytes
pub(super) fn read(path: &Path) -> Result<Tensor> {
    let picture = decode(path).with_context(|| {
        format!(
            "cannot read the image `{}`: PNG, JPEG and WebP are known",
            path.display()
        )
    })?;
    let rgb = picture.to_rgb8();
    let (width, height) = (i64::from(rgb.width()), i64::from(rgb.height()));
    let interleaved = Tensor::from_slice(rgb.as_raw()).view([height, width, 3]);
    Ok(interleaved.permute([2, 0, 1]).contiguous())
}

fn decode(path: &Path) -> Result<DynamicImage> {
    let mut decoder = ImageReader::open(path)?
        .with_guessed_format()?
        .into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}
