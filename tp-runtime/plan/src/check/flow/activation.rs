//! An activation as the layer that made it and how it is placed.

use crate::lookup::FoundRow;
use crate::{Layout, ModuleKind, Path, Style};

/// An activation.
#[derive(Clone, Copy)]
pub(super) struct Activation {
    /// How it is placed; `None` for what the model is given.
    pub(super) layout: Option<Layout>,
    /// The layer whose row decides how it is placed, or that could with a row.
    pub(super) producer: Producer,
    /// Whether it is the output of a linear layer of the same struct, which heads may be made of.
    pub(super) may_be_heads: bool,
}

/// A layer, as messages name it.
#[derive(Clone, Copy)]
pub(super) struct Producer {
    pub(super) path: Path<'static>,
    pub(super) kind: ModuleKind,
    pub(super) style: Option<Style>,
    /// The line of the table that decides, here or further up.
    pub(super) item: Option<usize>,
}

impl Activation {
    /// What the model is given, of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        layout: None,
        producer: Producer {
            path: Path::ROOT,
            kind: ModuleKind::Container,
            style: None,
            item: None,
        },
        may_be_heads: false,
    };
}

impl Producer {
    /// A layer under its row, if it has one; without one, the line that decides its input decides.
    pub(super) const fn new(
        path: &Path<'static>,
        kind: ModuleKind,
        style: Option<Style>,
        found: Option<FoundRow<'_>>,
        input: &Self,
    ) -> Self {
        let item = match found {
            Some(found) => found.item,
            None => input.item,
        };
        Self {
            path: *path,
            kind,
            style,
            item,
        }
    }
}
