//! What a model is made of: modules under their checkpoint names, leaf layers, parameters by shape.

mod field;
mod param;
mod partition;
mod segment;

pub use field::Field;
pub use param::{Heads, Initial, Param};
pub use partition::{Division, Partition};
pub use segment::Segment;
pub use tp_macros::Module;

use crate::plan::{ModuleKind, Node};

/// A struct whose fields are modules, named as in the checkpoint; written by `#[derive(Module)]`.
///
/// The constant tree and the visit come from the same fields, so the struct that runs is the tree
/// that `tp_plan!` checks.
pub trait Module: 'static {
    /// The type's place in the tree of constants.
    const NODE: &'static Node;

    /// Calls `visitor` with the path of every leaf layer at or below `path`, in field order.
    fn visit<'a>(&'a self, path: &ModulePath, visitor: &mut dyn FnMut(&ModulePath, &'a dyn Layer));
}

/// A module without children: what a row of a plan applies to.
pub trait Layer {
    /// What it computes.
    fn kind(&self) -> ModuleKind;

    /// Its parameters by their last name segment, in checkpoint order.
    fn parameters(&self) -> Vec<(&'static str, &Param)>;

    /// How many features the layer gives for `input` features, counted over the whole activation.
    fn output_features(&self, input: i64) -> i64 {
        let parameters = self.parameters();
        match (self.kind(), parameters.first()) {
            (ModuleKind::Linear, Some((_, weight))) => weight.shape()[0],
            (ModuleKind::Embedding, Some((_, weight))) => weight.shape()[1],
            _ => input,
        }
    }

    /// Hands the layer its style and its ranks; called once, before any forward.
    #[cfg(feature = "torch")]
    fn place(&self, placed: crate::nn::Placed);
}

/// The dotted name of a module inside its model, such as `model.layers.0.mlp`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ModulePath(String);

impl ModulePath {
    /// The model itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The child `segment` of this module.
    ///
    /// The empty segment is the module itself: a bare parameter has no name below its own.
    pub fn join(&self, segment: impl std::fmt::Display) -> Self {
        let segment = segment.to_string();
        match (self.0.is_empty(), segment.is_empty()) {
            (true, _) => Self(segment),
            (false, true) => self.clone(),
            (false, false) => Self(format!("{}.{segment}", self.0)),
        }
    }

    /// The dotted text; empty for the model itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ModulePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A layer with its path, and with it everything a plan can name.
pub struct NamedLayer<'a> {
    /// Where it stands in the model.
    pub path: ModulePath,
    /// The layer.
    pub layer: &'a dyn Layer,
}

/// A parameter with its checkpoint name.
pub struct NamedParam<'a> {
    /// Its full name, such as `model.layers.0.mlp.up_proj.weight`.
    pub name: String,
    /// The further names of a tied parameter, such as `lm_head.weight`.
    pub tied: Vec<String>,
    /// The parameter.
    pub param: &'a Param,
}

/// Every leaf layer of a model, in field order.
pub fn layers<M: Module>(model: &M) -> Vec<NamedLayer<'_>> {
    let mut layers = Vec::new();
    model.visit(&ModulePath::root(), &mut |path, layer| {
        layers.push(NamedLayer {
            path: path.clone(),
            layer,
        });
    });
    layers
}

/// Every parameter of a model under its first name; a tied parameter appears once.
pub fn parameters<M: Module>(model: &M) -> Vec<NamedParam<'_>> {
    let mut named: Vec<NamedParam<'_>> = Vec::new();
    for NamedLayer { path, layer } in layers(model) {
        for (leaf, param) in layer.parameters() {
            let name = path.join(leaf).to_string();
            match named.iter_mut().find(|other| other.param.is_tied_to(param)) {
                Some(first) => first.tied.push(name),
                None => named.push(NamedParam {
                    name,
                    tied: Vec::new(),
                    param,
                }),
            }
        }
    }
    named
}
