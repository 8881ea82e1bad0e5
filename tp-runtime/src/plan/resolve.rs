//! A plan applied to the layers of one configuration: a style for each, a sharding for each parameter.

use super::registry::plans;
use super::styled_layer::StyledLayer;
use super::{Mode, ModuleKind, Plan, PlanError, Rule, Style, pattern};
use super::{PlanRow, row_of, rows};
use crate::module::{ModulePath, NamedLayer, ShardedParam, Sharding};
use tp_plan::{Degrees, SplitHeads};

/// What a plan makes of a model: every layer, in the model's order.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The layers with their styles.
    pub layers: Vec<ResolvedLayer>,
    /// The tensor-parallel degrees that this model and plan allow.
    pub degrees: Degrees,
}

/// One layer and what a plan makes of it.
#[derive(Clone, Debug)]
pub struct ResolvedLayer {
    /// Where it stands in the model.
    pub path: ModulePath,
    /// What it computes.
    pub kind: ModuleKind,
    /// The row that names it, if one does.
    pub row: Option<PlanRow>,
    /// Its style; `None` for a replicated layer.
    pub style: Option<Style>,
    /// What the style makes of a layer of this kind.
    pub rule: &'static Rule,
    /// Its parameters by their last name segment, and how the ranks hold each.
    pub parameters: Vec<(&'static str, Sharding)>,
}

/// Finds the row of every layer and the sharding of every parameter; changes nothing.
///
/// # Errors
/// Before any weight is read: when the plan has no column for `mode`, a row names nothing in this
/// configuration, a style does not fit its layer or says nothing of one of its parameters, a tied
/// parameter is given two placements, a style asks for heads or segments that its layer does not
/// have, or heads do not divide by `world_size`.
pub fn resolve(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    world_size: usize,
    mode: Mode,
) -> Result<Resolution, PlanError> {
    let styled = styled_layers(plan, layers, mode)?;
    let resolved = styled.iter().map(|layer| layer.resolved(world_size));
    let resolved: Vec<ResolvedLayer> = resolved.collect();
    check_tied(&sharded(layers, &resolved))?;
    let heads = split_heads(&styled);
    let degrees = Degrees::of(&heads);
    if let Some(heads) = heads.into_iter().find(|heads| !heads.allow(world_size)) {
        return Err(PlanError::HeadsDoNotDivide {
            heads: Box::new(heads),
            world_size,
            degrees,
            others: others_that_allow(plan, layers, world_size, mode),
        });
    }
    Ok(Resolution {
        layers: resolved,
        degrees,
    })
}

impl Resolution {
    /// Every parameter of the layers that were resolved, under its first name; a tied parameter
    /// appears once.
    pub fn parameters<'a>(&self, layers: &[NamedLayer<'a>]) -> Vec<ShardedParam<'a>> {
        let mut parameters: Vec<ShardedParam<'a>> = Vec::new();
        for one in sharded(layers, &self.layers) {
            match parameters
                .iter_mut()
                .find(|other| other.param.is_tied_to(one.param))
            {
                Some(first) => first.tied.push(one.name),
                None => parameters.push(one),
            }
        }
        parameters
    }
}

/// Every parameter of every layer; a tied parameter appears under each of its names.
fn sharded<'a>(layers: &[NamedLayer<'a>], resolved: &[ResolvedLayer]) -> Vec<ShardedParam<'a>> {
    let pairs = layers.iter().zip(resolved);
    let of_layer = |(named, resolved): (&NamedLayer<'a>, &ResolvedLayer)| {
        let parameters = named.layer.parameters().into_iter();
        let shardings = resolved.parameters.iter().map(|(_, sharding)| sharding);
        let sharded = parameters.zip(shardings).map(|((leaf, param), sharding)| {
            let name = resolved.path.join(leaf).to_string();
            ShardedParam {
                name,
                tied: Vec::new(),
                param,
                sharding: sharding.clone(),
            }
        });
        sharded.collect::<Vec<_>>()
    };
    pairs.flat_map(of_layer).collect()
}

/// One parameter under two names is held in one way.
fn check_tied(parameters: &[ShardedParam<'_>]) -> Result<(), PlanError> {
    for (index, one) in parameters.iter().enumerate() {
        let earlier = parameters[..index]
            .iter()
            .find(|other| other.param.is_tied_to(one.param));
        if let Some(other) = earlier.filter(|other| other.sharding != one.sharding) {
            return Err(PlanError::TiedParameter {
                first: other.name.clone(),
                first_sharding: other.sharding.clone(),
                second: one.name.clone(),
                second_sharding: one.sharding.clone(),
            });
        }
    }
    Ok(())
}

fn split_heads(layers: &[StyledLayer<'_>]) -> Vec<SplitHeads> {
    layers.iter().flat_map(StyledLayer::split_heads).collect()
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
    Ok(Degrees::of(&split_heads(&styled_layers(
        plan, layers, mode,
    )?)))
}

fn styled_layers<'a>(
    plan: &'static Plan,
    layers: &[NamedLayer<'a>],
    mode: Mode,
) -> Result<Vec<StyledLayer<'a>>, PlanError> {
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
    let styled = layers.iter().map(|named| {
        let row = row_of(plan, named.path.as_str());
        let style = row.as_ref().and_then(|row| row.style(mode));
        StyledLayer::new(named, row, style)
    });
    styled.collect()
}
