//! Two activations, or a layer and its input, whose layouts do not meet; only rustc needs it as text.

use super::activation::{Activation, Producer};
use super::message;
use crate::flow::JoinKind;
use crate::{Mode, Text};

/// Layouts that do not meet.
#[derive(Clone, Copy)]
pub struct Conflict {
    mode: Mode,
    kind: ConflictKind,
}

#[derive(Clone, Copy)]
pub(super) enum ConflictKind {
    /// A layer cannot take what it is given.
    Input {
        reader: Producer,
        input: Activation,
        item: Option<usize>,
    },
    /// Two activations cannot be computed with element by element.
    Join {
        kind: JoinKind,
        first: Activation,
        second: Activation,
    },
}

impl Conflict {
    pub(super) const fn new(mode: Mode, kind: ConflictKind) -> Self {
        Self { mode, kind }
    }

    /// The line of the table to change; `None` where it is one of the plan it starts from.
    pub const fn item(&self) -> Option<usize> {
        match &self.kind {
            ConflictKind::Input { item, .. } => *item,
            ConflictKind::Join { first, second, .. } => {
                let (first, second) = (&first.producer, &second.producer);
                // The second has to follow the first, unless it has no row to say so.
                match (second.style, first.style) {
                    (None, Some(_)) => either(first.item, second.item),
                    _ => either(second.item, first.item),
                }
            }
        }
    }

    /// What is wrong, and what to write instead.
    pub const fn message(&self) -> Text {
        match &self.kind {
            ConflictKind::Input { reader, input, .. } => message::input(self.mode, reader, input),
            ConflictKind::Join {
                kind,
                first,
                second,
            } => message::join(self.mode, *kind, first, second),
        }
    }
}

const fn either(item: Option<usize>, other: Option<usize>) -> Option<usize> {
    match item {
        Some(_) => item,
        None => other,
    }
}
