//! What styles make of parameters: a placement for each, and who holds what of it.

use super::degrees::SplitHeads;
use super::resolve::ResolvedLayer;
use super::{ModuleKind, Placement, PlanError, StyleKind};
use crate::module::{Heads, NamedLayer, Param, Partition, Segment};

/// A parameter with the placement its layer's style asks for.
pub(super) struct Placed<'a> {
    layer: &'a ResolvedLayer,
    leaf: &'static str,
    pub(super) param: &'a Param,
    pub(super) placement: Placement,
}

/// Every parameter of every layer.
///
/// # Errors
/// When a style asks for heads or segments that its layer does not have.
pub(super) fn placements<'a>(
    layers: &'a [NamedLayer<'a>],
    resolved: &'a [ResolvedLayer],
) -> Result<Vec<Placed<'a>>, PlanError> {
    let mut placed = Vec::new();
    for (named, layer) in layers.iter().zip(resolved) {
        for (leaf, param) in named.layer.parameters() {
            let placement = match layer.style {
                Some(style) => placement(style.kind, layer.kind, leaf),
                None => Placement::Replicate,
            };
            let one = Placed {
                layer,
                leaf,
                param,
                placement,
            };
            one.check()?;
            placed.push(one);
        }
    }
    Ok(placed)
}

/// How a style lays out the parameter `leaf` of a layer (`ParallelStyle._partition_fn` in torch).
fn placement(style: StyleKind, layer: ModuleKind, leaf: &str) -> Placement {
    match (style, layer, leaf) {
        (StyleKind::Colwise, ModuleKind::Linear, _) => Placement::Shard(0),
        (StyleKind::Rowwise, ModuleKind::Linear, "weight") => Placement::Shard(1),
        (StyleKind::Colwise, ModuleKind::Embedding, _) => Placement::Shard(1),
        (StyleKind::Rowwise | StyleKind::VocabParallelEmbedding, ModuleKind::Embedding, _) => {
            Placement::Shard(0)
        }
        _ => Placement::Replicate,
    }
}

impl Placed<'_> {
    pub(super) fn name(&self) -> String {
        self.layer.path.join(self.leaf).to_string()
    }

    fn shares_heads(&self) -> bool {
        self.layer.style.is_some_and(|style| style.share_heads)
    }

    /// Whether the layer has what its style divides it by.
    fn check(&self) -> Result<(), PlanError> {
        let (Some(style), Some(row)) = (self.layer.style, &self.layer.row) else {
            return Ok(());
        };
        let (row, layer) = (|| Box::new(row.clone()), || self.layer.path.to_string());
        let known: Vec<&'static str> = self.segments().iter().map(|part| part.name).collect();
        if !style.segments.is_empty() && style.segments != known {
            return Err(PlanError::Segments {
                row: row(),
                layer: layer(),
                known,
            });
        }
        if style.share_heads && style.segments.is_empty() && !known.is_empty() {
            return Err(PlanError::SharedWhole {
                row: row(),
                layer: layer(),
                known,
            });
        }
        if style.share_heads && self.heads().next().is_none() {
            return Err(PlanError::NoHeads {
                row: row(),
                layer: layer(),
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
    pub(super) fn split_heads(&self) -> Vec<SplitHeads> {
        let Some(row) = &self.layer.row else {
            return Vec::new();
        };
        let split = |heads: &Heads| SplitHeads {
            row: row.clone(),
            parameter: self.name(),
            shape: self.param.shape().to_vec(),
            field: heads.field,
            count: heads.count,
            shared: self.shares_heads(),
        };
        self.heads().map(split).collect()
    }

    /// Hands the parameter its placement on so many ranks.
    pub(super) fn apply(&self, world_size: usize) {
        let Placement::Shard(dim) = self.placement.normalized(self.param.shape().len()) else {
            self.param.set_placement(self.placement);
            return;
        };
        let dim = dim as usize;
        let sharers = |heads: Option<&Heads>| match heads {
            Some(heads) if self.shares_heads() => (world_size as i64 / heads.count).max(1) as usize,
            _ => 1,
        };
        let by_segments = (self.layer.style).is_some_and(|style| !style.segments.is_empty());
        let partition = if by_segments {
            let segments = self.segments().iter();
            Partition::new(segments.map(|part| (part.length, sharers(part.heads.as_ref()))))
        } else {
            Partition::new([(self.param.shape()[dim], sharers(self.heads().next()))])
        };
        self.param.set_partition(dim, partition);
    }
}
