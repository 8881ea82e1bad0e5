//! A plan applied to the layers of one configuration: a style for each, a sharding for each parameter.

use super::styled_layer::StyledLayer;
use super::{Mode, ModuleKind, Plan, PlanError, Rule, Style, pattern};
use super::{PlanRow, row_of, rows};
use crate::module::{ModulePath, NamedLayer, ShardedParam, Sharding};
use tp_plan::SplitHeads;

/// What a plan makes of a model: every layer, in the model's order.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// The layers with their styles.
    pub layers: Vec<ResolvedLayer>,
    /// The attention heads that the plan splits, each number of each field once.
    pub heads: Vec<SplitHeads>,
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
/// parameter is given two placements, a style asks for segments that its layer does not have, or a
/// parameter is not made of the heads that its layer says.
pub fn resolve(
    plan: &'static Plan,
    layers: &[NamedLayer<'_>],
    mode: Mode,
) -> Result<Resolution, PlanError> {
    let styled = styled_layers(plan, layers, mode)?;
    let resolved: Vec<ResolvedLayer> = styled.iter().map(StyledLayer::resolved).collect();
    check_tied(&sharded(layers, &resolved))?;
    Ok(Resolution {
        layers: resolved,
        heads: split_heads(&styled),
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
    let mut split: Vec<SplitHeads> = Vec::new();
    for heads in layers.iter().flat_map(StyledLayer::split_heads) {
        let known = |other: &SplitHeads| (other.field, other.shares) == (heads.field, heads.shares);
        if !split.iter().any(known) {
            split.push(heads);
        }
    }
    split
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
