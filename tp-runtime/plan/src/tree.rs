//! The shape of a model as constants: what `#[derive(Module)]` writes and the checks walk.

use crate::fingerprint::Fingerprint;
use crate::{Rule, Weight};

/// What a module computes, as far as a plan has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModuleKind {
    /// A struct of other modules.
    Container,
    /// `y = x Wᵀ + b`.
    Linear,
    /// A table of rows looked up by id.
    Embedding,
    /// A normalization over the last dimension.
    Norm,
    /// Rotary position tables; no parameters.
    Rotary,
    /// A convolution over images; every rank holds it whole.
    Convolution,
    /// A bare parameter; every rank holds it whole.
    Parameter,
    /// A layer that another crate defines.
    Custom(&'static CustomKind),
}

/// A kind of layer that another crate defines.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CustomKind {
    /// The kind in a sentence, with its article, such as `a convolution over the sequence`.
    pub name: &'static str,
    /// What every style that fits makes of it; one rule without a style says what it is when whole.
    pub rules: &'static [Rule],
}

impl ModuleKind {
    /// Every kind of layer here that some style fits, in the order that a style's defaults are for.
    pub const LAYERS: [Self; 4] = [Self::Linear, Self::Embedding, Self::Norm, Self::Rotary];

    /// The kind in a sentence, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Container => "a struct of modules",
            Self::Linear => "a linear layer",
            Self::Embedding => "an embedding",
            Self::Norm => "a norm",
            Self::Rotary => "a rotary embedding",
            Self::Convolution => "a convolution",
            Self::Parameter => "a bare parameter",
            Self::Custom(kind) => kind.name,
        }
    }
}

/// One module type: its name, what it is, and its children.
#[derive(Debug)]
pub struct Node {
    /// The struct's name, which for a whole model is the architecture string of `config.json`.
    pub type_name: &'static str,
    /// The struct's full path, which tells two structs of one name apart.
    pub type_path: &'static str,
    /// What it computes.
    pub kind: ModuleKind,
    /// Its children in field order; empty for a leaf.
    pub children: &'static [Child],
    /// How the children feed one another; empty where it is not declared.
    pub flow: &'static [Stage],
}

/// One child of a module, under its checkpoint name.
#[derive(Debug)]
pub struct Child {
    /// The field's name, which is its name in the checkpoint.
    pub name: &'static str,
    /// How many there are.
    pub arity: Arity,
    /// The child's own type.
    pub node: &'static Node,
    /// The sizes of its weight, where the model says them.
    pub weight: Option<Weight>,
    /// The fingerprint of the name.
    pub(super) fingerprint: Fingerprint,
}

impl Child {
    /// The child of that name.
    #[doc(hidden)]
    pub const fn new(name: &'static str, arity: Arity, node: &'static Node) -> Self {
        Self {
            name,
            arity,
            node,
            weight: None,
            fingerprint: Fingerprint::of(name),
        }
    }

    /// The child with the sizes of its weight, by the names that a config has for them.
    #[doc(hidden)]
    pub const fn weight(
        self,
        rows: &'static [&'static str],
        columns: &'static [&'static str],
    ) -> Self {
        Self {
            weight: Some(Weight { rows, columns }),
            ..self
        }
    }
}

/// How many modules a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none (`Option`).
    Optional,
    /// A numbered list (`Vec`).
    List,
}

/// One step of a module's forward, for the layout flow.
#[derive(Debug)]
pub enum Stage {
    /// Branches that all read the activation of the stage before, each a chain of children, which are
    /// given by their index; the next stage reads what they end in.
    Feed(&'static [&'static [usize]]),
    /// The activation is added to the residual stream, which it then becomes.
    Residual,
}
