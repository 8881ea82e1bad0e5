//! Rows of one tensor put into places of another: how images join a text.

use tch::{Kind, Tensor};

use super::DTensor;
use crate::Result;
use tp_plan::{Placement, Reading, chunk};

impl DTensor {
    /// This tensor with the rows of `values`, in order, at the `places` that are true.
    ///
    /// # Shapes
    /// `[batch, sequence, features]`, places `[batch, sequence]` with as many true ones as `values`,
    /// `[rows, features]` and whole on every rank, has rows → `[batch, sequence, features]`
    ///
    /// # Errors
    /// When this tensor is `Partial`, or a collective fails.
    pub fn fill(&self, places: &Tensor, values: &Self) -> Result<Self> {
        if self.shape().len() < 2 {
            return Err(self.dimensions("filling places", "[batch, sequence, features]"));
        }
        let sequence = self.placement() == Placement::Shard(1);
        let (range, gradient) = match sequence {
            // Each rank fills its share of the sequence, so its gradient is a term of a sum.
            true => (
                chunk(self.shape()[1], self.group().rank(), self.group().size()),
                Placement::Partial,
            ),
            false => (0..self.shape()[1], Placement::Replicate),
        };
        let own = |tensor: &Tensor| tensor.f_narrow(1, range.start, range.end - range.start);
        let reading = Reading {
            to: Placement::Replicate,
            gradient,
        };
        let values = values.read(reading, self.producer())?;
        self.map("filling places", self.shape(), |local| {
            let row = places.f_flatten(0, -1)?.f_cumsum(0, Kind::Int64)?;
            let row = row.f_sub_scalar(1)?.f_clamp_min(0)?.f_view_as(places)?;
            let rows = values.f_index_select(0, &own(&row)?.f_flatten(0, -1)?)?;
            rows.f_view_as(&local)?
                .f_where_self(&own(places)?.f_unsqueeze(-1)?, &local)
        })
    }
}
