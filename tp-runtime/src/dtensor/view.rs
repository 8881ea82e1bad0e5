//! What a model may do with a tensor without knowing how it lies: elementwise work and heads.

use tch::Tensor;

use super::{DTensor, PlacementError};
use crate::Result;
use crate::plan::Placement;

impl DTensor {
    /// Another local tensor that lies as this one does.
    ///
    /// # Shapes
    /// `shape` is that of the whole result; the sharded dimension keeps its place.
    ///
    /// # Errors
    /// When this tensor is `Partial`.
    pub fn map(
        &self,
        operation: &'static str,
        shape: &[i64],
        compute: impl FnOnce(Tensor) -> Tensor,
    ) -> Result<Self> {
        self.refuse_partial(operation)?;
        let local = compute(self.local()?);
        Ok(Self::from_local(
            local,
            self.placement(),
            shape,
            self.group(),
            self.producer(),
        ))
    }

    /// Elementwise work on two tensors that lie alike.
    ///
    /// # Errors
    /// When they lie differently, or are `Partial`.
    pub fn zip(
        &self,
        other: &Self,
        operation: &'static str,
        compute: impl FnOnce(Tensor, Tensor) -> Tensor,
    ) -> Result<Self> {
        self.join(other, operation)?;
        let other = other.local()?;
        self.map(operation, self.shape(), |local| compute(local, other))
    }

    /// The sum of two tensors that lie alike: how a branch joins the residual stream.
    ///
    /// # Errors
    /// When they lie differently, or are `Partial`.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.zip(other, "a sum", |a, b| a + b)
    }

    /// Every element times `factor`.
    ///
    /// # Errors
    /// When this tensor is `Partial`.
    pub fn scale(&self, factor: f64) -> Result<Self> {
        self.map("a multiplier", self.shape(), |local| local * factor)
    }

    /// Cuts the last dimension into heads.
    ///
    /// # Shapes
    /// `[.., heads * head_dim]` → `[.., heads, head_dim]`; a shard of the last dimension becomes one of the heads.
    ///
    /// # Errors
    /// When this tensor is `Partial`.
    pub fn split_heads(&self, head_dim: i64) -> Result<Self> {
        let mut shape = self.shape().to_vec();
        let width = shape.pop().unwrap_or_default();
        shape.extend([width / head_dim, head_dim]);
        self.map("splitting heads", &shape, |local| {
            let mut size = local.size();
            // Not `-1`: a rank's part of a short sequence may be empty.
            let width = size.pop().unwrap_or_default();
            size.extend([width / head_dim, head_dim]);
            local.reshape(size)
        })
    }

    /// Joins the heads back into one dimension.
    ///
    /// # Shapes
    /// `[.., heads, head_dim]` → `[.., heads * head_dim]`.
    ///
    /// # Errors
    /// When this tensor is `Partial`.
    pub fn merge_heads(&self) -> Result<Self> {
        let rank = self.shape().len();
        let mut shape = self.shape()[..rank - 2].to_vec();
        shape.push(self.shape()[rank - 2] * self.shape()[rank - 1]);
        self.map("merging heads", &shape, |local| local.flatten(-2, -1))
    }

    /// The last positions of the sequence, whole on every rank.
    ///
    /// # Shapes
    /// `[batch, sequence, ..]` → `[batch, positions, ..]`
    ///
    /// # Errors
    /// When gathering the sequence fails.
    pub fn last_positions(&self, positions: i64) -> Result<Self> {
        let mut shape = self.shape().to_vec();
        let start = shape[1] - positions;
        shape[1] = positions;
        let whole = self.redistribute(Placement::Replicate)?;
        whole.map("the last positions", &shape, |local| {
            local.narrow(1, start, positions)
        })
    }

    /// How this tensor and another are placed together, for computation element by element.
    ///
    /// # Errors
    /// When they are placed differently, or one is `Partial`: both are named.
    pub fn join(&self, other: &Self, operation: &'static str) -> Result<Placement> {
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
