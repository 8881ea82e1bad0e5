//! A plan as data: the rows `tp_plan!` writes.

use crate::fingerprint::Fingerprint;
use crate::{Node, Style};

/// Whether the activations between blocks are split over the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The left column: activations between blocks are replicated.
    TensorParallel,
    /// The right column: activations between blocks are split over the sequence.
    SequenceParallel,
}

impl Mode {
    /// Both, in the order of the columns.
    pub const ALL: [Self; 2] = [Self::TensorParallel, Self::SequenceParallel];
}

/// A tensor-parallel plan: one table for one model type.
#[derive(Debug)]
pub struct Plan {
    /// The constant's name.
    pub name: &'static str,
    /// The table's doc comment.
    pub doc: &'static str,
    /// The model type it was written for.
    pub node: &'static Node,
    /// `None` for the default plan of the model, else the alternate's name.
    pub alternate: Option<&'static str>,
    /// The plan whose rows hold wherever no row of this one names the module.
    pub base: Option<&'static Plan>,
    /// Rows and included plans, in source order.
    pub items: &'static [Item],
    /// Whether any of its own rows has a second column.
    pub has_sequence_column: bool,
    /// Source file of the table.
    pub file: &'static str,
    /// Source line of the table.
    pub line: u32,
}

impl Plan {
    /// The name of the model type, which `config.json` calls its architecture.
    pub const fn model(&self) -> &'static str {
        self.node.type_name
    }

    /// Where the table was written, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// Whether the plan says what happens in `mode`: a table without a second column, in it, in a
    /// plan it includes or in the one it starts from, does not support sequence parallelism.
    pub const fn supports(&self, mode: Mode) -> bool {
        if matches!(mode, Mode::TensorParallel) || self.has_sequence_column {
            return true;
        }
        let mut at = 0;
        while at < self.items.len() {
            if let Item::Include { plan, .. } = &self.items[at]
                && plan.supports(mode)
            {
                return true;
            }
            at += 1;
        }
        match self.base {
            Some(base) => base.supports(mode),
            None => false,
        }
    }
}

/// One line of a table.
#[derive(Debug)]
pub enum Item {
    /// A module pattern with its styles.
    Row(Row),
    /// Another plan, applied to the module at `prefix`.
    Include {
        /// Path of the module the included plan was written for.
        prefix: &'static str,
        /// The included plan.
        plan: &'static Plan,
    },
}

impl Item {
    /// Which modules it is about.
    pub const fn pattern(&self) -> &'static str {
        match self {
            Self::Row(row) => row.pattern,
            Self::Include { prefix, .. } => prefix,
        }
    }
}

/// One row after brace expansion.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Dotted path; `*` stands for one whole segment.
    pub pattern: &'static str,
    /// Whether it may match nothing (a trailing `?` in the table).
    pub optional: bool,
    /// The left column; `None` is `_`.
    pub tensor_parallel: Option<Style>,
    /// The right column; equals the left where the table has no `|`.
    pub sequence_parallel: Option<Style>,
    /// Source line of the row.
    pub line: u32,
    /// The fingerprint of the pattern's last segment.
    pub(super) fingerprint: Fingerprint,
}

impl Row {
    /// A row that has to match, the same in both columns.
    pub const fn new(pattern: &'static str, style: Option<Style>) -> Self {
        Self {
            pattern,
            optional: false,
            tensor_parallel: style,
            sequence_parallel: style,
            line: 0,
            fingerprint: Fingerprint::of_last(pattern),
        }
    }

    /// The row with another second column.
    pub const fn sequence_parallel(self, style: Option<Style>) -> Self {
        Self {
            sequence_parallel: style,
            ..self
        }
    }

    /// The row as one that may match nothing.
    pub const fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// The row as written on a line of its plan's source.
    pub const fn on_line(self, line: u32) -> Self {
        Self { line, ..self }
    }

    /// Whether the last segments of both patterns can be one name.
    pub(super) const fn may_end_like(&self, other: &Self) -> bool {
        let (one, other) = (self.fingerprint.0, other.fingerprint.0);
        one == other || one == Fingerprint::STAR.0 || other == Fingerprint::STAR.0
    }

    /// Whether both cells are `_`: whole on every rank, on purpose.
    ///
    /// Such a row may name a struct of modules, for everything in it that no other row names.
    pub const fn is_replicated(&self) -> bool {
        self.tensor_parallel.is_none() && self.sequence_parallel.is_none()
    }

    /// The cell for a mode.
    pub const fn style(&self, mode: Mode) -> Option<Style> {
        match mode {
            Mode::TensorParallel => self.tensor_parallel,
            Mode::SequenceParallel => self.sequence_parallel,
        }
    }
}
