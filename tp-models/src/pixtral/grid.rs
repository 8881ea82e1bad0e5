//! The patches of one image, as rows and columns.

use tch::Tensor;
use tp_runtime::model::InputError;

/// How many patches an image is high and wide.
#[derive(Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) rows: i64,
    pub(crate) columns: i64,
}

impl Grid {
    /// How many patches there are.
    pub(crate) fn patches(self) -> i64 {
        self.rows * self.columns
    }

    /// The grid of squares of `side` patches; what is left over falls away.
    pub(crate) fn merged(self, side: i64) -> Self {
        Self {
            rows: self.rows / side,
            columns: self.columns / side,
        }
    }

    /// The grids of a batch of images, of which `sizes` tells the height and width within their padding.
    ///
    /// # Shapes
    /// pixels `[images, channels, height, width]`, sizes `[images, 2]`
    ///
    /// # Errors
    /// When there are more sizes than images or fewer, or an image is larger than the pixels or smaller
    /// than `least`.
    pub(crate) fn of_images(
        pixels: &Tensor,
        sizes: Option<&Tensor>,
        patch: i64,
        least: i64,
    ) -> Result<Vec<Self>, InputError> {
        let (images, height, width) = (pixels.size()[0], pixels.size()[2], pixels.size()[3]);
        let found = sizes.map_or(vec![images, 2], Tensor::size);
        if found != [images, 2] {
            return Err(InputError::Shape {
                name: "image_sizes",
                found,
                wanted: format!("{:?}, a row for each image", [images, 2]),
            });
        }
        let size = |image, dimension, whole| {
            sizes.map_or(whole, |sizes| sizes.int64_value(&[image, dimension]))
        };
        let size = |image| (size(image, 0, height), size(image, 1, width));
        let fits = |size: i64, whole| (least..=whole).contains(&size);
        (0..images)
            .map(|image| match size(image) {
                (rows, columns) if fits(rows, height) && fits(columns, width) => Ok(Self {
                    rows: rows / patch,
                    columns: columns / patch,
                }),
                size => Err(InputError::ImageSize {
                    name: "image_sizes",
                    height: size.0,
                    width: size.1,
                    wanted: format!(
                        "give {least} x {least} at least, and no more than the {height} x {width} of `pixel_values`"
                    ),
                }),
            })
            .collect()
    }
}
