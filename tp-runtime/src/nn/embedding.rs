//! A table of rows looked up by id, whole, split by rows (the vocabulary) or by columns.

use super::leaf::{Slot, leaf};
use crate::module::Param;

#[cfg(feature = "torch")]
use {
    super::Placed,
    crate::Result,
    crate::dtensor::DTensor,
    crate::plan::{Placement, StyleKind, chunk},
    tch::Tensor,
};

/// An embedding table, as `torch.nn.Embedding`.
pub struct Embedding {
    /// `[rows, width]`
    weight: Param,
    padding: Option<i64>,
    slot: Slot,
}

impl Embedding {
    /// A table of `rows` vectors of `width`; the row `padding`, which counts from the end where
    /// negative, gets no gradient from look-ups.
    pub fn new(rows: i64, width: i64, padding: Option<i64>) -> Self {
        Self {
            weight: Param::new(&[rows, width]),
            padding: padding.map(|id| if id < 0 { id + rows } else { id }),
            slot: Slot::default(),
        }
    }

    /// The table.
    pub fn weight(&self) -> &Param {
        &self.weight
    }
}

leaf!(Embedding, Embedding, |this| vec![("weight", &this.weight)]);

#[cfg(feature = "torch")]
impl Embedding {
    /// Looks up the rows of `ids` as the style says.
    ///
    /// # Shapes
    /// ids `[batch, sequence]` of integers, the same on every rank → `[batch, sequence, width]`
    ///
    /// # Errors
    /// When a collective fails.
    pub fn forward(&self, ids: &Tensor) -> Result<DTensor> {
        let placed = self.slot.get()?;
        let mut shape = ids.size();
        shape.push(self.weight.shape()[1]);
        let padding = self.padding.unwrap_or(-1);
        let look_up = |ids: &Tensor, padding| {
            Tensor::embedding(&self.weight.local(), ids, padding, false, false)
        };
        match placed.style.map(|style| (style.kind, style.output)) {
            None => placed.give(
                look_up(ids, padding),
                Placement::Replicate,
                &shape,
                Placement::Replicate,
            ),
            Some((StyleKind::Colwise, output)) => {
                placed.give(look_up(ids, padding), Placement::Shard(-1), &shape, output)
            }
            Some((StyleKind::Rowwise | StyleKind::VocabParallelEmbedding, output)) => {
                let local = self.masked_look_up(ids, placed);
                placed.give(local, Placement::Partial, &shape, output)
            }
            Some((other, _)) => Err(placed.unfit(other)),
        }
    }

    /// The rows this rank owns and zeros for the others: a term of the sum over ranks.
    fn masked_look_up(&self, ids: &Tensor, placed: &Placed) -> Tensor {
        let weight = self.weight.local();
        let own = chunk(
            self.weight.shape()[0],
            placed.group.rank(),
            placed.group.size(),
        );
        if own.is_empty() {
            // Still a function of the weight, so that every rank's backward runs the same collectives.
            let mut shape = ids.size();
            shape.push(self.weight.shape()[1]);
            return Tensor::zeros(shape, (weight.kind(), weight.device()))
                + weight.sum(weight.kind());
        }
        let padding = self
            .padding
            .filter(|id| own.contains(id))
            .map_or(-1, |id| id - own.start);
        let local = ids - own.start;
        let foreign = local.lt(0).logical_or(&local.ge(own.end - own.start));
        let rows = Tensor::embedding(
            &weight,
            &local.masked_fill(&foreign, 0),
            padding,
            false,
            false,
        );
        rows.masked_fill(&foreign.unsqueeze(-1), 0.0)
    }
}
