//! What a layer is to a plan: a kind, parameters, and a place for what the plan makes of it.

use std::any::Any;

use super::{LowRankSlot, ParallelContext, Param};
use tp_plan::ModuleKind;

/// A module without children: what a row of a plan applies to; written by [`leaf!`](crate::leaf).
pub trait Layer: Any {
    /// What it computes.
    fn kind(&self) -> ModuleKind;

    /// Its parameters by their last name segment, in checkpoint order.
    fn parameters(&self) -> Vec<(&'static str, &Param)>;

    /// Where it keeps its style and its ranks, which a [`ParallelModel`] gives it once.
    ///
    /// [`ParallelModel`]: crate::parallel::ParallelModel
    fn context(&self) -> &ParallelContext;

    /// Where an adapter of low rank is attached; `None` for a layer that takes none.
    fn low_rank(&self) -> Option<&LowRankSlot> {
        None
    }

    /// How many features the layer gives for `input` features, counted over the whole activation.
    fn output_features(&self, input: i64) -> i64 {
        input
    }
}
