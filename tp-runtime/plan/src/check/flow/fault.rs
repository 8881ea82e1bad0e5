//! Layouts that do not meet, as what meets there; only rustc's message makes it text.

use super::message;
use super::value::{Producer, Value};
use crate::flow::Meeting;
use crate::{Mode, Text};

/// Layouts that do not meet.
#[derive(Clone, Copy)]
pub struct Fault {
    mode: Mode,
    problem: Problem,
}

#[derive(Clone, Copy)]
pub(super) enum Problem {
    /// A layer cannot take what it is given.
    Input {
        reader: Producer,
        input: Value,
        item: Option<usize>,
    },
    /// Two activations cannot be computed with element by element.
    Join {
        meeting: Meeting,
        first: Value,
        second: Value,
    },
}

impl Fault {
    pub(super) const fn new(mode: Mode, problem: Problem) -> Self {
        Self { mode, problem }
    }

    /// The line of the table to change; `None` where it is one of the plan it starts from.
    pub const fn item(&self) -> Option<usize> {
        match &self.problem {
            Problem::Input { item, .. } => *item,
            Problem::Join { first, second, .. } => {
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
        match &self.problem {
            Problem::Input { reader, input, .. } => message::input(self.mode, reader, input),
            Problem::Join {
                meeting,
                first,
                second,
            } => message::join(self.mode, *meeting, first, second),
        }
    }
}

const fn either(item: Option<usize>, other: Option<usize>) -> Option<usize> {
    match item {
        Some(_) => item,
        None => other,
    }
}
