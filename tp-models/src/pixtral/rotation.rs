//! Rotation by the row and the column of a patch.
//!
//! Shapes: D head dimension.

#[cfg(feature = "torch")]
use {
    super::Grid,
    tch::{Kind, Tensor},
    tp_runtime::comm::upload,
    tp_runtime::dtensor::DTensor,
    tp_runtime::nn::RotaryTables,
};

/// The angle per row, and the angle per column, of each rotated pair of features.
pub(super) struct AxialFrequencies {
    /// `[D / 4]`
    rows: Vec<f32>,
    /// `[D / 4]`
    columns: Vec<f32>,
}

impl AxialFrequencies {
    pub(super) fn new(theta: f64, head_dim: i64) -> Self {
        let of_pair = |pair: i64| 1.0 / (theta as f32).powf((2 * pair) as f32 / head_dim as f32);
        // Rows and columns take turns.
        let every_other = |first| (first..head_dim / 2).step_by(2).map(of_pair).collect();
        Self {
            rows: every_other(0),
            columns: every_other(1),
        }
    }
}

#[cfg(feature = "torch")]
impl AxialFrequencies {
    /// The angles of every patch of `grids`.
    pub(super) fn tables(
        &self,
        grids: &[Grid],
        like: &DTensor,
    ) -> tp_runtime::Result<RotaryTables> {
        let options = (Kind::Float, like.device());
        let angles = |frequencies: &[f32], length| {
            let frequencies = upload(&Tensor::f_from_slice(frequencies)?, like.device())?;
            Tensor::f_arange(length, options)?.f_outer(&frequencies)
        };
        let of_image = |grid: &Grid| {
            let shape = [grid.rows, grid.columns, self.rows.len() as i64];
            let rows = angles(&self.rows, grid.rows)?.f_unsqueeze(1)?;
            let columns = angles(&self.columns, grid.columns)?.f_unsqueeze(0)?;
            let both = [
                rows.f_expand(shape, false)?,
                columns.f_expand(shape, false)?,
            ];
            Tensor::f_cat(&both, -1)?.f_flatten(0, 1)
        };
        let angles: Vec<Tensor> = grids.iter().map(of_image).collect::<Result<_, _>>()?;
        RotaryTables::new(&Tensor::f_cat(&angles, 0)?, 1.0, like.kind())
    }
}
