//! A plan applied to the layers of one configuration: a style per layer, a placement per parameter.

use super::degrees::{Degrees, ShardedHeads};
use super::rows::{PlanRow, rows};
use super::{Mode, ModuleKind, Placement, Plan, PlanError, Style, StyleKind, pattern};
use crate::module::{ModulePath, NamedLayer, Param};

/// What a plan makes of a model: every layer, in the model's order.
#[derive(Debug)]
pub struct Resolution {
    /// The layers with their styles.
    pub layers: Vec<ResolvedLayer>,
    /// The tensor-parallel degrees that this model and plan allow.
    pub degrees: Degrees,
}

/// One layer and what a plan does to it.
#[derive(Debug)]
pub struct ResolvedLayer {
    /// Where it stands in the model.
    pub path: ModulePath,
    /// What it computes.
    pub kind: ModuleKind,
    /// The row that names it, if one does.
    pub row: Option<PlanRow>,
    /// Its style; `None` for a replicated layer.
    pub style: Option<Style>,
}

/// Finds the row of every layer and sets the placement of every parameter.
///
/// # Errors
/// Before any weight is read: when the plan has no column for `mode`, a row names nothing in this
/// configuration, a tied parameter is given two placements, or heads do not divide by `world_size`.
pub fn resolve(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    world_size: usize,
    mode: Mode,
) -> Result<Resolution, PlanError> {
    let resolved = match_rows(plan, layers, mode)?;
    let placed = placements(layers, &resolved);
    for (index, one) in placed.iter().enumerate() {
        let earlier = placed[..index]
            .iter()
            .find(|other| other.param.is_tied_to(one.param));
        if let Some(other) = earlier.filter(|other| other.placement != one.placement) {
            return Err(PlanError::TiedPlacements {
                first: other.name(),
                first_placement: other.placement,
                second: one.name(),
                second_placement: one.placement,
            });
        }
    }
    let heads: Vec<ShardedHeads> = placed.iter().filter_map(Placed::sharded_heads).collect();
    let degrees = Degrees::of(heads.iter().map(|heads| heads.count));
    if let Some(heads) = heads
        .into_iter()
        .find(|heads| heads.count % world_size as i64 != 0)
    {
        return Err(PlanError::HeadsDoNotDivide {
            heads: Box::new(heads),
            world_size,
            degrees,
        });
    }
    for one in &placed {
        one.param.set_placement(one.placement);
    }
    Ok(Resolution {
        layers: resolved,
        degrees,
    })
}

/// The tensor-parallel degrees that a plan allows for the layers of a configuration.
///
/// # Errors
/// As [`resolve`], except that no degree is asked for.
pub fn valid_degrees(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    mode: Mode,
) -> Result<Degrees, PlanError> {
    let resolved = match_rows(plan, layers, mode)?;
    let placed = placements(layers, &resolved);
    Ok(Degrees::of(
        placed
            .iter()
            .filter_map(Placed::sharded_heads)
            .map(|heads| heads.count),
    ))
}

fn match_rows(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    mode: Mode,
) -> Result<Vec<ResolvedLayer>, PlanError> {
    if !plan.supports(mode) {
        return Err(PlanError::NoSequenceColumn { plan });
    }
    let rows = rows(plan);
    let unused = rows.iter().find(|row| {
        !row.optional
            && !layers
                .iter()
                .any(|layer| pattern::matches(&row.pattern, layer.path.as_str()))
    });
    if let Some(row) = unused {
        return Err(PlanError::RowMatchesNothing {
            row: Box::new(row.clone()),
        });
    }
    let resolved = layers.iter().map(|NamedLayer { path, layer }| {
        let row = rows
            .iter()
            .find(|row| pattern::matches(&row.pattern, path.as_str()));
        let style = row.and_then(|row| row.style(mode));
        ResolvedLayer {
            path: path.clone(),
            kind: layer.kind(),
            row: row.cloned(),
            style,
        }
    });
    Ok(resolved.collect())
}

/// A parameter with the placement its layer's style asks for.
struct Placed<'a> {
    layer: &'a ResolvedLayer,
    leaf: &'static str,
    param: &'a Param,
    placement: Placement,
}

impl Placed<'_> {
    fn name(&self) -> String {
        self.layer.path.join(self.leaf).to_string()
    }

    /// The heads this placement shards, if it does.
    fn sharded_heads(&self) -> Option<ShardedHeads> {
        let heads = self.param.heads()?;
        let row = self.layer.row.clone()?;
        (self.placement == Placement::Shard(heads.dim as i64)).then(|| ShardedHeads {
            row,
            parameter: self.name(),
            shape: self.param.shape().to_vec(),
            field: heads.field,
            count: heads.count,
        })
    }
}

fn placements<'a>(layers: &'a [NamedLayer<'a>], resolved: &'a [ResolvedLayer]) -> Vec<Placed<'a>> {
    let mut placed = Vec::new();
    for (named, layer) in layers.iter().zip(resolved) {
        for (leaf, param) in named.layer.parameters() {
            let placement = match layer.style {
                Some(style) => placement(style.kind, layer.kind, leaf),
                None => Placement::Replicate,
            };
            placed.push(Placed {
                layer,
                leaf,
                param,
                placement,
            });
        }
    }
    placed
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
