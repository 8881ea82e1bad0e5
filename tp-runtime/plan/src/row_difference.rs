//! The rows in which two plans for one model differ.

use std::fmt;

use crate::check::walk;
use crate::rows::{row_of, rows};
use crate::{Mode, Plan, Style};

/// What a plan says of a module in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// No row names it: it is replicated.
    NoRow,
    /// What its row says; `None` is `_`.
    Row(Option<Style>),
}

/// Modules of which two plans say different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDifference {
    /// Their pattern.
    pub pattern: String,
    /// What each plan says.
    pub cells: [Cell; 2],
}

/// The rows in which two plans for one model differ in `mode`, in the order of the first plan.
///
/// A module without a row is replicated, as one with `_` is; a row that may match nothing, and names
/// nothing of the model's type, is none.
pub fn row_differences(plans: [&'static Plan; 2], mode: Mode) -> Vec<RowDifference> {
    let mut patterns: Vec<String> = Vec::new();
    for row in plans.into_iter().flat_map(rows) {
        let is_there = !row.is_optional() || walk(plans[0].node, &row.pattern).is_ok();
        if is_there && !patterns.contains(&row.pattern) {
            patterns.push(row.pattern);
        }
    }
    let differences = patterns.into_iter().map(|pattern| RowDifference {
        cells: plans.map(|plan| match row_of(plan, &pattern) {
            Some(row) => Cell::Row(row.style(mode)),
            None => Cell::NoRow,
        }),
        pattern,
    });
    let differ = |row: &RowDifference| row.cells[0].style() != row.cells[1].style();
    differences.filter(differ).collect()
}

impl Cell {
    fn style(self) -> Option<Style> {
        match self {
            Self::NoRow => None,
            Self::Row(style) => style,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRow => f.write_str("no row"),
            Self::Row(None) => f.write_str("_"),
            Self::Row(Some(style)) => style.fmt(f),
        }
    }
}
