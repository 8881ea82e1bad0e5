//! What a model may do with a tensor without knowing how it is placed: elementwise work and heads.

use tch::{TchError, Tensor};

use super::{DTensor, PlacementError, ShapeError};
use crate::Result;
use tp_plan::Placement;

impl DTensor {
    /// Another local tensor, placed as this one is.
    ///
    /// # Shapes
    /// `shape` is that of the whole result; the sharded dimension keeps its place.
    ///
    /// # Errors
    /// When this tensor is `Partial`, or `compute` fails or gives another shape.
    pub fn map(
        &self,
        operation: &'static str,
        shape: &[i64],
        compute: impl FnOnce(Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Self> {
        self.refuse_partial(operation)?;
        let local = self.computed(compute(self.local()?))?;
        let (group, producer) = (self.group(), self.producer());
        Self::from_heads(
            local,
            self.placement(),
            self.heads(),
            shape,
            group,
            producer,
        )
    }

    /// Elementwise work on two tensors that are placed alike.
    ///
    /// # Errors
    /// When they are placed differently, or are `Partial`, or `compute` fails.
    pub fn zip(
        &self,
        other: &Self,
        operation: &'static str,
        compute: impl FnOnce(Tensor, Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Self> {
        self.join(other, operation)?;
        let other = other.local()?;
        self.map(operation, self.shape(), |local| compute(local, other))
    }

    /// The sum of two tensors that are placed alike: how a branch joins the residual stream.
    ///
    /// # Errors
    /// When they are placed differently, or are `Partial`.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.zip(other, "a sum", |a, b| a.f_add(&b))
    }

    /// Every element times `factor`.
    ///
    /// # Errors
    /// When this tensor is `Partial`.
    pub fn scale(&self, factor: f64) -> Result<Self> {
        self.map("a multiplier", self.shape(), |local| {
            local.f_mul_scalar(factor)
        })
    }

    /// Cuts the last dimension into heads.
    ///
    /// # Shapes
    /// `[.., heads * head_dim]` → `[.., heads, head_dim]`; a shard of the last dimension becomes one of the heads.
    ///
    /// # Errors
    /// When this tensor is `Partial`, or the last dimension is not made of heads of this width.
    pub fn split_heads(&self, head_dim: i64) -> Result<Self> {
        let heads = |shape: &[i64]| match shape.split_last() {
            Some((width, others)) if head_dim > 0 && width % head_dim == 0 => {
                Ok([others, &[width / head_dim, head_dim]].concat())
            }
            last => Err(ShapeError::Heads {
                producer: self.producer().to_string(),
                width: last.map_or(0, |(width, _)| *width),
                head_dim,
            }),
        };
        let shape = heads(self.shape())?;
        // Not `-1`: a rank's part of a short sequence may be empty.
        let local = heads(&self.local()?.size())?;
        self.map("splitting heads", &shape, |tensor| tensor.f_reshape(&local))
    }

    /// Joins the heads back into one dimension.
    ///
    /// # Shapes
    /// `[.., heads, head_dim]` → `[.., heads * head_dim]`.
    ///
    /// # Errors
    /// When this tensor is `Partial`, or has no two dimensions.
    pub fn merge_heads(&self) -> Result<Self> {
        let [others @ .., heads, head_dim] = self.shape() else {
            return Err(self.dimensions("merging heads", "[.., heads, head_dim]"));
        };
        let shape = [others, &[heads * head_dim]].concat();
        self.map("merging heads", &shape, |local| local.f_flatten(-2, -1))
    }

    /// The last positions of the sequence, whole on every rank.
    ///
    /// # Shapes
    /// `[batch, sequence, ..]` → `[batch, positions, ..]`
    ///
    /// # Errors
    /// When there are fewer, or gathering the sequence fails.
    pub fn last_positions(&self, positions: i64) -> Result<Self> {
        let [_, length, ..] = *self.shape() else {
            return Err(self.dimensions("taking positions", "[batch, sequence, ..]"));
        };
        if !(0..=length).contains(&positions) {
            return Err(ShapeError::Positions {
                producer: self.producer().to_string(),
                asked: positions,
                length,
            }
            .into());
        }
        let mut shape = self.shape().to_vec();
        shape[1] = positions;
        let whole = self.redistribute(Placement::Replicate)?;
        whole.map("the last positions", &shape, |local| {
            local.f_narrow(1, length - positions, positions)
        })
    }

    pub(crate) fn dimensions(&self, operation: &'static str, wanted: &'static str) -> crate::Error {
        let (producer, found) = (self.producer().to_string(), self.shape().to_vec());
        ShapeError::Dimensions {
            operation,
            producer,
            found,
            wanted,
        }
        .into()
    }

    /// How this tensor and another are placed together, for computation element by element.
    ///
    /// # Errors
    /// When they are placed differently, or one is `Partial`: both are named.
    pub fn join(&self, other: &Self, operation: &'static str) -> Result<Placement> {
        let joined = self.join_apart(other, operation)?;
        if let Placement::Shard(_) = joined {
            self.check_heads(joined, other.heads(), other.producer())?;
        }
        Ok(joined)
    }

    /// How this tensor and another are placed together, whatever heads the sharded dimension is made of.
    pub(crate) fn join_apart(&self, other: &Self, operation: &'static str) -> Result<Placement> {
        let joined = self.0.layout.join(other.0.layout).map_err(|mismatch| {
            PlacementError::operands(
                mismatch,
                operation,
                (self.producer(), self.placement()),
                (other.producer(), other.placement()),
            )
        })?;
        Ok(joined.placement())
    }

    /// An error when the sequence is split over the ranks.
    pub(crate) fn refuse_sequence(&self, operation: &'static str) -> Result<()> {
        if self.placement() == Placement::Shard(1) {
            let producer = self.producer().to_string();
            return Err(PlacementError::SequenceOperand {
                producer,
                operation,
            }
            .into());
        }
        Ok(())
    }

    fn refuse_partial(&self, operation: &'static str) -> Result<()> {
        if self.placement() == Placement::Partial {
            let producer = self.producer().to_string();
            return Err(PlacementError::PartialOperand {
                producer,
                operation,
            }
            .into());
        }
        Ok(())
    }
}
