//! Random module trees: as the constants rustc walks, and as the layers of a configuration.

use proptest::prelude::*;
use tp_runtime::module::{Layer, ModulePath, NamedLayer};
use tp_runtime::nn::{Embedding, Linear, LinearShape, RmsNorm};
use tp_runtime::plan::{Arity, Child, ModuleKind, Node};

/// Elements of every list; no row of these tests singles out one beyond them.
pub(crate) const ELEMENTS: usize = 3;

/// A module type.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Linear,
    Embedding,
    Norm,
    Struct(Vec<(Arity, Tree)>),
}

/// The name of a struct's child.
pub(crate) fn name(index: usize) -> &'static str {
    ["up", "down", "norm_up", "u"][index]
}

pub(crate) fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![Just(Tree::Linear), Just(Tree::Embedding), Just(Tree::Norm)];
    let tree = leaf.prop_recursive(3, 24, 4, |inner| {
        let arity = prop_oneof![Just(Arity::One), Just(Arity::Optional), Just(Arity::List)];
        proptest::collection::vec((arity, inner), 1..=4).prop_map(Tree::Struct)
    });
    // The model is a struct.
    proptest::collection::vec((Just(Arity::One), tree), 1..=4).prop_map(Tree::Struct)
}

impl Tree {
    pub(crate) fn kind(&self) -> ModuleKind {
        match self {
            Self::Linear => ModuleKind::Linear,
            Self::Embedding => ModuleKind::Embedding,
            Self::Norm => ModuleKind::Norm,
            Self::Struct(_) => ModuleKind::Container,
        }
    }

    pub(crate) fn children(&self) -> &[(Arity, Tree)] {
        match self {
            Self::Struct(children) => children,
            _ => &[],
        }
    }

    /// The constant that a derive would write.
    pub(crate) fn node(&self) -> &'static Node {
        let children = self.children().iter().enumerate();
        let children: Vec<Child> = children
            .map(|(index, (arity, tree))| Child::new(name(index), *arity, tree.node()))
            .collect();
        Box::leak(Box::new(Node {
            type_name: "Model",
            type_path: "Model",
            kind: self.kind(),
            children: children.leak(),
            flow: &[],
        }))
    }

    /// Every layer of the configuration in which nothing is left out.
    pub(crate) fn layers(&self) -> Vec<NamedLayer<'static>> {
        let mut layers = Vec::new();
        self.add_to(&mut layers, ModulePath::root());
        layers
    }

    fn add_to(&self, layers: &mut Vec<NamedLayer<'static>>, path: ModulePath) {
        let layer: Box<dyn Layer> = match self {
            Self::Linear => Box::new(Linear::new(LinearShape::new(4, 4))),
            Self::Embedding => Box::new(Embedding::new(4, 4, None)),
            Self::Norm => Box::new(RmsNorm::new(4, 1e-6)),
            Self::Struct(children) => {
                for (index, (arity, tree)) in children.iter().enumerate() {
                    let path = path.join(name(index));
                    if *arity == Arity::List {
                        (0..ELEMENTS).for_each(|element| tree.add_to(layers, path.join(element)));
                    } else {
                        tree.add_to(layers, path);
                    }
                }
                return;
            }
        };
        let layer = Box::leak(layer);
        layers.push(NamedLayer { path, layer });
    }
}
