//! A layer under its row of a plan, before it is known how many ranks hold it.

use super::parameters::{StyledParam, parameters};
use super::resolve::ResolvedLayer;
use super::{ModuleKind, PlanError, PlanRow, Rule, Style};
use crate::module::{ModulePath, NamedLayer};
use tp_plan::SplitHeads;

/// A layer with its row and its style.
pub(super) struct StyledLayer<'a> {
    pub(super) path: ModulePath,
    kind: ModuleKind,
    pub(super) row: Option<PlanRow>,
    pub(super) style: Option<Style>,
    rule: &'static Rule,
    parameters: Vec<StyledParam<'a>>,
}

impl<'a> StyledLayer<'a> {
    /// The layer under its row.
    ///
    /// # Errors
    /// When the style does not fit it, says nothing of one of its parameters, or asks for heads or
    /// segments that it does not have.
    pub(super) fn new(
        NamedLayer { path, layer }: &NamedLayer<'a>,
        row: Option<PlanRow>,
        style: Option<Style>,
    ) -> Result<Self, PlanError> {
        let (kind, style_kind) = (layer.kind(), style.map(|style| style.kind));
        let Some(rule) = kind.rule(style_kind) else {
            return Err(PlanError::NoRule {
                layer: path.to_string(),
                kind: kind.name(),
                style: style_kind,
            });
        };
        let parameters = parameters(*layer, path.as_str(), rule)?;
        let styled = Self {
            path: path.clone(),
            kind,
            row,
            style,
            rule,
            parameters,
        };
        let mut checked = styled.parameters.iter().map(|param| param.check(&styled));
        checked.try_for_each(|outcome| outcome)?;
        Ok(styled)
    }

    /// The heads that the style splits.
    pub(super) fn split_heads(&self) -> impl Iterator<Item = SplitHeads> {
        self.parameters.iter().flat_map(|param| {
            let heads = param.split_heads().into_iter();
            heads.map(|(_, heads)| SplitHeads {
                parameter: self.path.join(param.leaf).to_string(),
                field: heads.field,
                shares: heads.shares,
            })
        })
    }

    /// What the ranks make of it.
    pub(super) fn resolved(&self) -> ResolvedLayer {
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|param| (param.leaf, param.sharding(self)));
        ResolvedLayer {
            path: self.path.clone(),
            kind: self.kind,
            row: self.row.clone(),
            style: self.style,
            rule: self.rule,
            parameters: parameters.collect(),
        }
    }
}
