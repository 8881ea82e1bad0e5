//! A plan applied to the layers of one configuration: a style per layer, a placement per parameter.

use super::degrees::{Degrees, SplitHeads};
use super::parameters::{Placed, placements};
use super::registry::plans;
use super::{Mode, ModuleKind, Plan, PlanError, Style, pattern};
use super::{PlanRow, row_of, rows};
use crate::module::{ModulePath, NamedLayer};

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
/// configuration, a tied parameter is given two placements, a style asks for heads or segments that
/// its layer does not have, or heads do not divide by `world_size`.
pub fn resolve(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    world_size: usize,
    mode: Mode,
) -> Result<Resolution, PlanError> {
    let resolved = match_rows(plan, layers, mode)?;
    let placed = placements(layers, &resolved)?;
    check_tied(&placed)?;
    let heads: Vec<SplitHeads> = placed.iter().flat_map(Placed::split_heads).collect();
    let degrees = Degrees::of(&heads);
    if let Some(heads) = heads.into_iter().find(|heads| !heads.allow(world_size)) {
        return Err(PlanError::HeadsDoNotDivide {
            heads: Box::new(heads),
            world_size,
            degrees,
            others: others_that_allow(plan, layers, world_size, mode),
        });
    }
    for one in &placed {
        one.apply(world_size);
    }
    Ok(Resolution {
        layers: resolved,
        degrees,
    })
}

/// One parameter under two names has one placement.
fn check_tied(placed: &[Placed<'_>]) -> Result<(), PlanError> {
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
    Ok(())
}

/// The names of the model's other plans that allow so many ranks.
fn others_that_allow(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    world_size: usize,
    mode: Mode,
) -> Vec<&'static str> {
    let others = plans().into_iter().filter(|other| {
        other.node.type_path == plan.node.type_path && other.alternate != plan.alternate
    });
    let allow = |other: &&'static Plan| {
        valid_degrees(other, layers, mode).is_ok_and(|degrees| degrees.allow(world_size))
    };
    let names = others
        .filter(allow)
        .map(|other| other.alternate.unwrap_or(other.name));
    names.collect()
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
    let placed = placements(layers, &resolved)?;
    let heads: Vec<SplitHeads> = placed.iter().flat_map(Placed::split_heads).collect();
    Ok(Degrees::of(&heads))
}

fn match_rows(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    mode: Mode,
) -> Result<Vec<ResolvedLayer>, PlanError> {
    if !plan.supports(mode) {
        return Err(PlanError::NoSequenceColumn { plan });
    }
    // A row that keeps its modules whole is right where there are none.
    let unused = rows(plan).into_iter().find(|row| {
        !row.is_optional()
            && !row.is_replicated()
            && !layers
                .iter()
                .any(|layer| pattern::matches(&row.pattern, layer.path.as_str()))
    });
    if let Some(row) = unused {
        return Err(PlanError::RowMatchesNothing { row: Box::new(row) });
    }
    let resolved = layers.iter().map(|NamedLayer { path, layer }| {
        let row = row_of(plan, path.as_str());
        let style = row.as_ref().and_then(|row| row.style(mode));
        ResolvedLayer {
            path: path.clone(),
            kind: layer.kind(),
            row,
            style,
        }
    });
    Ok(resolved.collect())
}
