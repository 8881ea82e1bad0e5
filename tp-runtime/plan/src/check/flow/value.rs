//! An activation as the layer that made it and how it is placed.

use crate::lookup::Cell;
use crate::{Layout, Mode, ModuleKind, Path, Style};

/// An activation.
#[derive(Clone, Copy)]
pub(super) struct Value {
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

impl Value {
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

    /// The same across the border of a struct.
    pub(super) const fn outside(self) -> Self {
        Self {
            may_be_heads: false,
            ..self
        }
    }
}

impl Producer {
    /// A layer under its row, if it has one; without one, the line that decides its input decides.
    pub(super) const fn new(
        path: Path<'static>,
        kind: ModuleKind,
        mode: Mode,
        cell: Option<Cell<'_>>,
        input: &Self,
    ) -> Self {
        let (style, item) = match cell {
            Some(cell) => (cell.row.style(mode), cell.item),
            None => (None, input.item),
        };
        Self {
            path,
            kind,
            style,
            item,
        }
    }
}
