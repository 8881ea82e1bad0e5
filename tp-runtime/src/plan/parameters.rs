//! What styles make of parameters: a placement for each, and who holds what of it.

use super::styled_layer::StyledLayer;
use super::{Placement, PlanError, Rule};
use crate::module::{Heads, Layer, Param, Partition, Segment, Sharding};
use tp_plan::HeadShares;

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
        let known: Vec<&'static str> = self.segments().iter().map(|part| part.name).collect();
        if !style.segments.is_empty() && style.segments != known {
            return Err(PlanError::Segments {
                row: Box::new(row.clone()),
                layer: layer.path.to_string(),
                known,
            });
        }
        let lengths = self.split_heads();
        let misfit = lengths.into_iter().find(|(length, heads)| {
            let HeadShares { count, queries } = heads.shares;
            count < 1 || length % count != 0 || queries % count != 0
        });
        match misfit {
            Some((_, heads)) => Err(PlanError::Heads {
                row: Box::new(row.clone()),
                parameter: layer.path.join(self.leaf).to_string(),
                shape: self.param.shape().to_vec(),
                dim: heads.dim,
                field: heads.field,
                count: heads.shares.count,
                queries: heads.shares.queries,
            }),
            None => Ok(()),
        }
    }

    /// The segments of the dimension that is split.
    fn segments(&self) -> &[Segment] {
        match self.placement {
            Placement::Shard(0) => self.param.segments(),
            _ => &[],
        }
    }

    /// The heads of the dimension that is split, each with the features they are made of.
    pub(super) fn split_heads(&self) -> Vec<(i64, &Heads)> {
        let segments = self.segments().iter();
        let segments = segments.filter_map(|part| Some((part.length, part.heads.as_ref()?)));
        segments.chain(self.whole_heads()).collect()
    }

    /// The heads of the dimension that is split, if they are all there is.
    fn whole_heads(&self) -> Option<(i64, &Heads)> {
        let heads = self.param.heads()?;
        let is_split = self.placement == Placement::Shard(heads.dim as i64);
        is_split.then(|| (self.param.shape()[heads.dim], heads))
    }

    /// How the ranks hold the parameter.
    pub(super) fn sharding(&self, layer: &StyledLayer<'_>) -> Sharding {
        let shape = self.param.shape();
        let Placement::Shard(dim) = self.placement.normalized(shape.len()) else {
            return Sharding::Replicated;
        };
        let by_segments = layer.style.is_some_and(|style| !style.segments.is_empty());
        let dim = dim as usize;
        let partition = if by_segments {
            Segment::partition(self.segments())
        } else {
            let heads = self.whole_heads().map(|(_, heads)| heads.shares);
            Partition::new([(shape[dim], heads)])
        };
        Sharding::Split { dim, partition }
    }
}
