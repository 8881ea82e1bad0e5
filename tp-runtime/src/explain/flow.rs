//! Follows a model's declared flow from its embedding to its logits.

use std::collections::{HashMap, HashSet};

use super::ExplainError;
use super::activations::{ActivationId, Activations};
use super::layers::StyledLayer;
use super::view::View;
use crate::Result;
use crate::module::NamedLayer;
use crate::plan::flow::{Follow, JoinKind, Modules, follow};
use crate::plan::{ModuleKind, Node, Path, Resolution, pattern};

/// One forward over the layers of a model.
struct Forward<'a> {
    layers: HashMap<&'a str, StyledLayer<'a>>,
    activations: Activations,
}

/// Follows the flow of `node` to its end, and gives what it ends in.
pub(super) fn forward(
    node: &'static Node,
    layers: &[NamedLayer<'_>],
    resolution: &Resolution,
    view: View,
) -> Result<(Activations, ActivationId)> {
    let resolved = layers.iter().zip(&resolution.layers);
    let styled = resolved.map(|(named, resolved)| {
        let layer = named.layer;
        (named.path.as_str(), StyledLayer { layer, resolved })
    });
    let (activations, input) = Activations::new(view);
    let mut forward = Forward {
        layers: styled.collect(),
        activations,
    };
    let output = follow(node, Modules::Built(&modules(layers)), input, &mut forward)?;
    Ok((forward.activations, output))
}

/// The paths of all modules, each struct before what is in it.
fn modules<'a>(layers: &'a [NamedLayer<'a>]) -> Vec<&'a str> {
    let (mut modules, mut known) = (Vec::new(), HashSet::new());
    for layer in layers {
        let path = layer.path.as_str();
        let parents = std::iter::successors(Some(path), |module| {
            pattern::split_last(module).map(|(parent, _)| parent)
        });
        let mut new: Vec<&str> = parents.take_while(|module| known.insert(*module)).collect();
        new.reverse();
        modules.extend(new);
    }
    modules
}

impl Follow for Forward<'_> {
    type Activation = ActivationId;
    type Error = crate::Error;

    fn layer(
        &mut self,
        path: &Path<'_>,
        _: ModuleKind,
        input: ActivationId,
    ) -> Result<ActivationId> {
        let path = path.to_text();
        self.activations.enter(&path, input);
        self.layers[path.as_str()].forward(&mut self.activations, input)
    }

    fn join(
        &mut self,
        kind: JoinKind,
        first: ActivationId,
        second: ActivationId,
    ) -> Result<ActivationId> {
        let operation = match kind {
            JoinKind::Residual => "a sum",
            JoinKind::Branches => "joining branches",
        };
        let activations = &mut self.activations;
        let joined = activations.join(first, second, operation)?;
        if kind == JoinKind::Branches {
            let projections = [first, second].map(|id| activations.projections(id));
            activations.set_projections(joined, projections.concat());
        }
        Ok(joined)
    }

    fn undeclared(
        &mut self,
        path: &Path<'_>,
        node: &'static Node,
        _: ActivationId,
    ) -> Result<ActivationId> {
        let type_name = node.type_name;
        let path = match path.to_text() {
            path if path.is_empty() => type_name.to_owned(),
            path => path,
        };
        Err(ExplainError::NoFlow { type_name, path }.into())
    }
}
