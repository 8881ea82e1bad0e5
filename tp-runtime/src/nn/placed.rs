//! A layer's place in a running model: its style, its ranks, and how it reads its input and parameters.

use std::rc::Rc;

use tch::Tensor;

use super::Sharers;
use crate::Result;
use crate::autograd::with_backward;
use crate::comm::{ProcessGroup, ReduceOp};
use crate::dtensor::{DTensor, PlacementError};
use crate::module::Param;
use crate::plan::{Placement, Reading, Style, StyleKind};

/// What a plan gives one layer.
#[derive(Clone)]
pub struct Placed {
    /// The layer's path, with which its collectives are named.
    pub path: Rc<str>,
    /// Its style; `None` means that every rank computes the same, or its own share of the sequence.
    pub style: Option<Style>,
    /// The tensor-parallel ranks.
    pub group: ProcessGroup,
    /// The ranks among them that hold the same heads.
    pub sharers: Sharers,
}

impl Placed {
    /// The input of a layer that computes a share of its output, so that its gradient is a term of a sum.
    ///
    /// The layer needs the whole input; chunks of the sequence are gathered, whole ones taken as they are.
    pub(super) fn read_shared(&self, input: &DTensor, expected: Placement) -> Result<Tensor> {
        if !matches!(
            input.placement(),
            Placement::Replicate | Placement::Shard(1)
        ) {
            self.expect(input, expected)?;
        }
        self.seen(input.read(Reading::FOR_A_SHARE, &self.path))
    }

    /// The input of a layer that computes on a chunk of dimension `to`.
    pub(super) fn read_chunk(
        &self,
        input: &DTensor,
        expected: Placement,
        to: Placement,
    ) -> Result<Tensor> {
        self.expect(input, expected)?;
        self.seen(input.read(Reading::alike(to), &self.path))
    }

    /// The input of a layer that computes the same on every rank, or on this rank's share of rows.
    ///
    /// A shard of the features is refused: the layer needs them all.
    pub(super) fn read_rows(&self, input: &DTensor) -> Result<Tensor> {
        let features = input.shape().len() as i64 - 1;
        let found = input.placement();
        if found == Placement::Partial || found == Placement::Shard(features) {
            return Err(self.mismatch(Placement::Replicate, input));
        }
        self.seen(input.local())
    }

    /// The input of a layer that every rank computes whole.
    pub(super) fn read_whole(&self, input: &DTensor) -> Result<Tensor> {
        self.expect(input, Placement::Replicate)?;
        input.local()
    }

    fn expect(&self, input: &DTensor, expected: Placement) -> Result<()> {
        if input.placement() == expected.normalized(input.shape().len()) {
            return Ok(());
        }
        Err(self.mismatch(expected, input))
    }

    fn mismatch(&self, expected: Placement, input: &DTensor) -> crate::Error {
        PlacementError::Input {
            reader: self.site(),
            expected,
            producer: input.producer().to_string(),
            found: input.placement(),
        }
        .into()
    }

    /// A replicated parameter for a layer that runs on activations placed `activations`.
    ///
    /// On sharded activations each rank finds a term of its gradient; the backward sums them.
    pub(super) fn replicated(&self, param: &Param, activations: Placement) -> Tensor {
        let whole = param.local();
        if self.group.size() == 1 || activations == Placement::Replicate {
            return whole;
        }
        let (group, site) = (self.group.clone(), self.site());
        with_backward(&whole, whole.detach(), move |gradient| {
            group.all_reduce(gradient, ReduceOp::Sum, &site)
        })
        .expect("parameters are floating-point tensors")
    }

    /// A sharded parameter, of which each rank finds its gradient.
    ///
    /// Of a part that other ranks hold too, each finds a term of the gradient; the backward sums them.
    pub(super) fn sharded(&self, param: &Param) -> Tensor {
        let local = param.local();
        let Some((dim, partition)) = param.partition() else {
            return local;
        };
        let shared = partition.shared(self.group.rank(), self.group.size());
        if shared.is_empty() {
            return local;
        }
        let (sharers, site) = (self.sharers.clone(), self.site());
        with_backward(&local, local.detach(), move |gradient| {
            let whole = gradient.copy();
            for (range, count) in &shared {
                let mut part = whole.narrow(dim as i64, range.start, range.end - range.start);
                let group = sharers.of(*count)?;
                part.copy_(&group.all_reduce(part.copy(), ReduceOp::Sum, &site)?);
            }
            Ok::<_, crate::Error>(whole)
        })
        .expect("parameters are floating-point tensors")
    }

    /// The layer's output, redistributed to what its row promises.
    pub(super) fn give(
        &self,
        local: Tensor,
        placement: Placement,
        shape: &[i64],
        promised: Placement,
    ) -> Result<DTensor> {
        #[cfg(feature = "testing")]
        let local = crate::testing::recording::gives(&self.path, local);
        DTensor::from_local(local, placement, shape, &self.group, &self.path).redistribute(promised)
    }

    /// An input as the layer reads it, for those who record what feeds it.
    fn seen(&self, input: Result<Tensor>) -> Result<Tensor> {
        #[cfg(feature = "testing")]
        if let Ok(input) = &input {
            crate::testing::recording::reads(&self.path, input);
        }
        input
    }

    /// The path with the style, for messages.
    pub(super) fn site(&self) -> String {
        match self.style.map(|style| style.kind) {
            Some(kind) => format!("{} ({})", self.path, kind.name()),
            None => self.path.to_string(),
        }
    }

    /// The error for a style that this kind of layer cannot have, which `tp_plan!` lets through nowhere.
    pub(super) fn unfit(&self, kind: StyleKind) -> crate::Error {
        let layer = self.path.to_string();
        PlacementError::Style { layer, kind }.into()
    }
}
