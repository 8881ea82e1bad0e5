//! Rows of one tensor put into places of another: how images join a text.

use tch::{Kind, Tensor};

use super::DTensor;
use crate::Result;
use crate::plan::{Placement, Reading, chunk};

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
        let row = places.flatten(0, -1).cumsum(0, Kind::Int64) - 1;
        let row = row.clamp_min(0).view_as(places);
        let sequence = self.placement() == Placement::Shard(1);
        let (range, gradient) = match sequence {
            // Each rank fills its share of the sequence, so its gradient is a term of a sum.
            true => (
                chunk(self.shape()[1], self.group().rank(), self.group().size()),
                Placement::Partial,
            ),
            false => (0..self.shape()[1], Placement::Replicate),
        };
        let own = |tensor: &Tensor| tensor.narrow(1, range.start, range.end - range.start);
        let reading = Reading {
            to: Placement::Replicate,
            gradient,
        };
        let values = values.read(reading, self.producer())?;
        self.map("filling places", self.shape(), |local| {
            let rows = values.index_select(0, &own(&row).flatten(0, -1));
            rows.view_as(&local)
                .where_self(&own(places).unsqueeze(-1), &local)
        })
    }
}
