//! What styles make of parameters: a placement for each, and who holds what of it.

use super::styled_layer::StyledLayer;
use super::{Placement, PlanError, Rule};
use crate::module::{Heads, Layer, Param, Partition, Segment, Sharding};
use tp_plan::SplitHeads;

/// A parameter with the placement its layer's style asks for.
pub(super) struct StyledParam<'a> {
    pub(super) leaf: &'static str,
    pub(super) param: &'a Param,
    placement: Placement,
}

/// The parameters of a layer, placed as its rule says.
///
/// # Errors
/// When the rule does not say how a parameter is placed.
pub(super) fn parameters<'a>(
    layer: &'a dyn Layer,
    path: &str,
    rule: &Rule,
) -> Result<Vec<StyledParam<'a>>, PlanError> {
    let place = |(leaf, param)| {
        let placement = match (rule.style, rule.parameter(leaf)) {
            (_, Some(placement)) => placement,
            (None, None) => Placement::Replicate,
            (Some(style), None) => {
                return Err(PlanError::UnplacedParameter {
                    layer: path.to_owned(),
                    leaf,
                    style,
                });
            }
        };
        Ok(StyledParam {
            leaf,
            param,
            placement,
        })
    };
    layer.parameters().into_iter().map(place).collect()
}

impl StyledParam<'_> {
    /// Whether the parameter has what its layer's style divides it by.
    pub(super) fn check(&self, layer: &StyledLayer<'_>) -> Result<(), PlanError> {
        let (Some(style), Some(row)) = (layer.style, &layer.row) else {
            return Ok(());
        };
        let row = || Box::new(row.clone());
        let path = || layer.path.to_string();
        let known: Vec<&'static str> = self.segments().iter().map(|part| part.name).collect();
        if !style.segments.is_empty() && style.segments != known {
            return Err(PlanError::Segments {
                row: row(),
                layer: path(),
                known,
            });
        }
        if style.share_heads && style.segments.is_empty() && !known.is_empty() {
            return Err(PlanError::SharedWhole {
                row: row(),
                layer: path(),
                known,
            });
        }
        if style.share_heads && self.heads().next().is_none() {
            return Err(PlanError::NoHeads {
                row: row(),
                layer: path(),
            });
        }
        Ok(())
    }

    /// The segments of the dimension that is split.
    fn segments(&self) -> &[Segment] {
        match self.placement {
            Placement::Shard(0) => self.param.segments(),
            _ => &[],
        }
    }

    /// What the dimension that is split has of heads.
    fn heads(&self) -> impl Iterator<Item = &Heads> {
        let of_segments = self
            .segments()
            .iter()
            .filter_map(|part| part.heads.as_ref());
        let split = |heads: &&Heads| self.placement == Placement::Shard(heads.dim as i64);
        of_segments.chain(self.param.heads().into_iter().filter(split))
    }

    /// The heads this placement splits.
    pub(super) fn split_heads(&self, layer: &StyledLayer<'_>) -> Vec<SplitHeads> {
        let Some(row) = &layer.row else {
            return Vec::new();
        };
        let split = |heads: &Heads| SplitHeads {
            row: row.clone(),
            parameter: layer.path.join(self.leaf).to_string(),
            shape: self.param.shape().to_vec(),
            field: heads.field,
            count: heads.count,
            shared: layer.shares_heads(),
        };
        self.heads().map(split).collect()
    }

    /// How so many ranks hold the parameter.
    pub(super) fn sharding(&self, layer: &StyledLayer<'_>, world_size: usize) -> Sharding {
        let shape = self.param.shape();
        let Placement::Shard(dim) = self.placement.normalized(shape.len()) else {
            return Sharding::Replicated;
        };
        let dim = dim as usize;
        let replicas = |heads: Option<&Heads>| match heads {
            Some(heads) if layer.shares_heads() => {
                (world_size as i64 / heads.count).max(1) as usize
            }
            _ => 1,
        };
        let by_segments = layer.style.is_some_and(|style| !style.segments.is_empty());
        let partition = if by_segments {
            let segments = self.segments().iter();
            Partition::new(segments.map(|part| (part.length, replicas(part.heads.as_ref()))))
        } else {
            Partition::new([(shape[dim], replicas(self.heads().next()))])
        };
        Sharding::Split { dim, partition }
    }
}
