//! A table of rows looked up by id, whole, split by rows (the vocabulary) or by columns.

use crate::leaf;
use crate::module::{ParallelContext, Param};
use tp_plan::ModuleKind;

#[cfg(feature = "torch")]
use {
    crate::Result,
    crate::dtensor::DTensor,
    std::ops::Range,
    tch::{TchError, Tensor},
};

/// An embedding table, as `torch.nn.Embedding`.
pub struct Embedding {
    /// `[rows, width]`
    weight: Param,
    padding: Option<i64>,
    context: ParallelContext,
}

impl Embedding {
    /// A table of `rows` vectors of `width`; the row `padding`, which counts from the end where
    /// negative, gets no gradient from look-ups.
    pub fn new(rows: i64, width: i64, padding: Option<i64>) -> Self {
        Self {
            weight: Param::new(&[rows, width]),
            padding: padding.map(|id| if id < 0 { id + rows } else { id }),
            context: ParallelContext::default(),
        }
    }

    /// The table.
    pub fn weight(&self) -> &Param {
        &self.weight
    }
}

leaf!(Embedding, ModuleKind::Embedding, [weight], |layer, _| layer
    .weight
    .shape()[1]);

#[cfg(feature = "torch")]
impl Embedding {
    /// Looks up the rows of `ids`.
    ///
    /// # Shapes
    /// ids `[batch, sequence]` of integers, the same on every rank → `[batch, sequence, width]`
    ///
    /// # Errors
    /// When a collective fails.
    pub fn forward(&self, ids: &Tensor) -> Result<DTensor> {
        self.context.forward(&self.context.replicate(ids)?, |pass| {
            let weight = pass.parameter(&self.weight)?;
            let rows = match pass.sharding(&self.weight)?.split() {
                Some((0, partition)) => {
                    let own = partition.ranges(pass.group().rank(), pass.group().size());
                    self.masked_look_up(ids, &weight, own.into_iter().next().unwrap_or(0..0))?
                }
                _ => look_up(&weight, ids, self.padding)?,
            };
            let mut shape = ids.size();
            shape.push(self.weight.shape()[1]);
            pass.give_shaped(rows, &shape)
        })
    }

    /// The rows this rank has its `own` of, and zeros for the others: a term of the sum over ranks.
    fn masked_look_up(
        &self,
        ids: &Tensor,
        weight: &Tensor,
        own: Range<i64>,
    ) -> Result<Tensor, TchError> {
        if own.is_empty() {
            // Still a function of the weight, so that every rank's backward runs the same collectives.
            let mut shape = ids.size();
            shape.push(self.weight.shape()[1]);
            let zeros = Tensor::f_zeros(shape, (weight.f_kind()?, weight.device()))?;
            return zeros.f_add(&weight.f_sum(weight.f_kind()?)?);
        }
        let padding = self.padding.filter(|id| own.contains(id));
        let local = ids.f_sub_scalar(own.start)?;
        let foreign = local
            .f_lt(0)?
            .f_logical_or(&local.f_ge(own.end - own.start)?)?;
        let rows = look_up(
            weight,
            &local.f_masked_fill(&foreign, 0)?,
            padding.map(|id| id - own.start),
        )?;
        rows.f_masked_fill(&foreign.f_unsqueeze(-1)?, 0.0)
    }
}

/// The rows of `ids`; the row `padding` gets no gradient.
#[cfg(feature = "torch")]
fn look_up(weight: &Tensor, ids: &Tensor, padding: Option<i64>) -> Result<Tensor, TchError> {
    Tensor::f_embedding(weight, ids, padding.unwrap_or(-1), false, false)
}
