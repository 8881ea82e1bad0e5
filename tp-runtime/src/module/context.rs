//! A layer's place in a running model: its style, its ranks, and who holds what of its parameters.

#[cfg(feature = "torch")]
use {
    super::{ForwardPass, LayerError, Param, Replica, Sharding},
    crate::Result,
    crate::autograd::with_backward,
    crate::comm::{ProcessGroup, ReduceOp},
    crate::dtensor::{DTensor, TensorError},
    std::cell::OnceCell,
    std::rc::Rc,
    tch::Tensor,
    tp_plan::{HeadShares, Placement, Rule, Style},
};

/// What a layer is told when a plan is applied to its model, once and by the
/// [`ParallelModel`](crate::parallel::ParallelModel) alone; empty until then.
#[derive(Default)]
pub struct ParallelContext {
    #[cfg(feature = "torch")]
    assignment: OnceCell<Assignment>,
}

/// What a plan gives one layer.
#[cfg(feature = "torch")]
pub(crate) struct Assignment {
    /// The layer's path, with which its collectives are named.
    pub(crate) path: Rc<str>,
    /// Its style; `None` means that every rank computes the same, or its own share of the sequence.
    pub(crate) style: Option<Style>,
    /// What the style makes of a layer of this kind.
    pub(crate) rule: &'static Rule,
    /// The tensor-parallel ranks.
    pub(crate) group: ProcessGroup,
    /// The layer's parameters.
    pub(crate) parameters: Vec<AssignedParam>,
}

/// One parameter of a layer, as the plan has ranks hold it.
#[cfg(feature = "torch")]
pub(crate) struct AssignedParam {
    /// The last segment of its name.
    pub(crate) leaf: &'static str,
    /// The parameter.
    pub(crate) param: Param,
    /// How the ranks hold it.
    pub(crate) sharding: Sharding,
    /// What other ranks hold of this rank's part.
    pub(crate) replicas: Vec<Replica>,
}

#[cfg(feature = "torch")]
impl ParallelContext {
    /// Gives the layer what the plan makes of it.
    ///
    /// # Errors
    /// When another layer has the same context.
    pub(crate) fn assign(&self, assignment: Assignment) -> Result<(), LayerError> {
        self.assignment.set(assignment).map_err(|refused| {
            let other = self.assignment.get().map_or("", |earlier| &*earlier.path);
            let (layer, other) = (refused.path.to_string(), other.to_owned());
            LayerError::SharedContext { layer, other }
        })
    }

    /// Runs the layer on this rank: `compute` is given the input as the layer's style has it read.
    ///
    /// # Errors
    /// When no plan was applied to the model, the input is placed otherwise than the layer's row
    /// says, or a collective fails; when libtorch refuses what `compute` asks for, with the layer
    /// and the rank.
    pub fn forward<T>(
        &self,
        input: &DTensor,
        compute: impl FnOnce(&ForwardPass<'_>) -> Result<T>,
    ) -> Result<T> {
        let assignment = self.assignment()?;
        ForwardPass::new(assignment, input)
            .and_then(|pass| compute(&pass))
            .map_err(|error| TensorError::attach(&assignment.path, &assignment.group, error))
    }

    /// A tensor that every rank holds whole, such as token ids, as an input of the layer.
    ///
    /// # Errors
    /// When no plan was applied to the model.
    pub fn replicate(&self, whole: &Tensor) -> Result<DTensor> {
        let Assignment { group, path, .. } = self.assignment()?;
        Ok(DTensor::replicate(whole.shallow_clone(), group, path))
    }

    /// This rank's part of a parameter that is applied to activations placed `met`.
    ///
    /// # Errors
    /// When no plan was applied to the model, or the parameter is none of the layer's.
    pub(crate) fn parameter(&self, param: &Param, met: Placement) -> Result<Tensor> {
        self.assignment()?.parameter(param, met)
    }

    /// The layer's path, once a plan was applied to its model.
    pub(super) fn path(&self) -> Option<Rc<str>> {
        Some(self.assignment.get()?.path.clone())
    }

    fn assignment(&self) -> Result<&Assignment> {
        Ok(self.assignment.get().ok_or(LayerError::NoPlan)?)
    }
}

#[cfg(feature = "torch")]
impl Assignment {
    /// How the ranks hold a parameter of the layer.
    pub(super) fn sharding(&self, param: &Param) -> Result<&Sharding> {
        self.assigned(param).map(|assigned| &assigned.sharding)
    }

    /// The heads that so many features are made of, if ranks divide the layer's parameters by them.
    pub(super) fn heads(&self, features: i64) -> Option<HeadShares> {
        self.parameters.iter().find_map(|assigned| {
            let (_, partition) = assigned.sharding.split()?;
            match partition.divisions() {
                [division] if division.length == features => division.heads,
                _ => None,
            }
        })
    }

    /// The last segment of a parameter's name.
    pub(super) fn leaf(&self, param: &Param) -> Result<&'static str> {
        self.assigned(param).map(|assigned| assigned.leaf)
    }

    /// This rank's part of a parameter that is applied to activations placed `met`.
    ///
    /// Where each rank finds a term of its gradient, since the activations are sharded or several
    /// ranks hold the same heads, the backward sums them.
    pub(super) fn parameter(&self, param: &Param, met: Placement) -> Result<Tensor> {
        let AssignedParam {
            sharding, replicas, ..
        } = self.assigned(param)?;
        let local = param.gathered()?;
        if self.group.size() == 1 {
            return Ok(local);
        }
        let site = self.site();
        match sharding {
            Sharding::Replicated if met == Placement::Replicate => Ok(local),
            Sharding::Replicated => {
                let group = self.group.clone();
                let whole = local.f_detach()?;
                Ok(with_backward(&local, whole, move |gradient| {
                    group.all_reduce(gradient, ReduceOp::Sum, &site)
                })?)
            }
            Sharding::Split { .. } if replicas.is_empty() => Ok(local),
            Sharding::Split { dim, .. } => {
                let (dim, replicas, whole) = (*dim as i64, replicas.clone(), local.f_detach()?);
                Ok(with_backward(&local, whole, move |gradient| {
                    sum_replicas(&gradient, dim, &replicas, &site)
                })?)
            }
        }
    }

    /// The path with the style, for messages.
    pub(super) fn site(&self) -> String {
        match self.style.map(|style| style.kind) {
            Some(kind) => format!("{} ({})", self.path, kind.name()),
            None => self.path.to_string(),
        }
    }

    fn assigned(&self, param: &Param) -> Result<&AssignedParam> {
        let known = self.parameters.iter();
        let assigned = known
            .into_iter()
            .find(|other| other.param.is_tied_to(param));
        Ok(assigned.ok_or_else(|| LayerError::UnlistedParameter {
            layer: self.path.to_string(),
            shape: param.shape().to_vec(),
        })?)
    }
}

/// A gradient in which the terms of what several ranks hold are summed over them.
#[cfg(feature = "torch")]
fn sum_replicas(gradient: &Tensor, dim: i64, replicas: &[Replica], site: &str) -> Result<Tensor> {
    let copy = true; // others may see the gradient
    let sum = gradient.f_to_dtype(gradient.f_kind()?, false, copy)?;
    for (ranges, group) in replicas {
        let parts = ranges
            .iter()
            .map(|range| sum.f_narrow(dim, range.start, range.end - range.start));
        let parts: Vec<Tensor> = parts.collect::<Result<_, _>>()?;
        let lengths: Vec<i64> = ranges.iter().map(|range| range.end - range.start).collect();
        let sums = group.all_reduce(Tensor::f_cat(&parts, dim)?, ReduceOp::Sum, site)?;
        let sums = sums.f_split_with_sizes(&lengths, dim)?;
        for (mut part, sum) in parts.into_iter().zip(sums) {
            part.f_copy_(&sum)?;
        }
    }
    Ok(sum)
}
