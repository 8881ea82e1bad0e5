//! An activation as the layer that made it and how it lies.

use crate::check::cell::Cell;
use crate::check::path::Path;
use crate::{FEATURES, Mode, ModuleKind, Placement, Style};

/// An activation.
#[derive(Clone, Copy)]
pub(super) struct Value {
    /// How it lies, a split over features as `Shard(-1)`; `None` for what the model is given.
    pub(super) placement: Option<Placement>,
    /// The layer whose row decides how it lies, or that could with a row.
    pub(super) producer: Producer,
    /// Whether it is the output of a linear layer of the same struct, which heads may be made of.
    pub(super) may_be_heads: bool,
}

/// A layer, as messages name it.
#[derive(Clone, Copy)]
pub(super) struct Producer {
    pub(super) path: Path,
    pub(super) kind: ModuleKind,
    pub(super) style: Option<Style>,
    /// The line of the table that decides, here or further up.
    pub(super) item: Option<usize>,
}

impl Value {
    /// What the model is given, of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        placement: None,
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
        path: Path,
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

/// The placement with a split over features as `Shard(-1)`.
pub(in crate::check) const fn canonical(placement: Placement) -> Placement {
    match placement {
        Placement::Shard(2) => FEATURES,
        other => other,
    }
}
