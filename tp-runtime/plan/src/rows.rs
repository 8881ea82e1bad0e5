//! The rows of a plan with those of the plans it includes and starts from, under their full paths.

use std::{iter, ptr};

use crate::lookup::{find_row, kept_whole};
use crate::{Item, Mode, Path, Plan, Row, Style, Text};

/// A row under its full path, and where it was written.
#[derive(Clone, Debug)]
pub struct PlanRow {
    /// Its pattern, with the prefix of the include it came through.
    pub pattern: String,
    /// The plan whose table it stands in.
    pub plan: &'static Plan,
    row: &'static Row,
}

impl PlanRow {
    fn new(plan: &'static Plan, prefix: &str, row: &'static Row) -> Self {
        Self {
            pattern: Text::path(prefix, row.pattern).as_str().to_owned(),
            plan,
            row,
        }
    }

    /// Whether this row of a derived plan leaves nothing of `row` of its base.
    fn replaces(&self, row: &Self) -> bool {
        self.pattern == row.pattern
            || self.is_replicated() && Path::of(&row.pattern).is_inside(&self.pattern, 0)
    }

    /// The cell for a mode.
    pub fn style(&self, mode: Mode) -> Option<Style> {
        self.row.style(mode)
    }

    /// Whether both cells are `_`.
    pub fn is_replicated(&self) -> bool {
        self.row.is_replicated()
    }

    /// Whether it may match nothing.
    pub fn is_optional(&self) -> bool {
        self.row.optional
    }

    /// The source line it was written on.
    pub fn line(&self) -> u32 {
        self.row.line
    }

    /// Where it was written, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.plan.file, self.line())
    }
}

/// Every row of a plan, included plans where they stand in the table.
///
/// The rows of the plan that a derived one starts from come last, without those that the derived
/// one repeats or takes back as a whole.
pub fn rows(plan: &'static Plan) -> Vec<PlanRow> {
    let mut rows = Vec::new();
    collect(plan, "", &mut rows);
    rows
}

fn collect(plan: &'static Plan, prefix: &str, rows: &mut Vec<PlanRow>) {
    let first = rows.len();
    for item in plan.items {
        match item {
            Item::Row(row) => rows.push(PlanRow::new(plan, prefix, row)),
            Item::Include {
                prefix: inner,
                plan,
            } => {
                collect(plan, Text::path(prefix, inner).as_str(), rows);
            }
        }
    }
    if let Some(base) = plan.base {
        let mut inherited = Vec::new();
        collect(base, prefix, &mut inherited);
        let own = &rows[first..];
        inherited.retain(|row| !own.iter().any(|own| own.replaces(row)));
        rows.extend(inherited);
    }
}

/// The row that decides the module at `path`.
///
/// Its pattern names the module, or it keeps whole a struct that holds the module; the rows of the plan
/// that a derived one starts from come last.
pub fn row_of(plan: &'static Plan, path: &str) -> Option<PlanRow> {
    let path = Path::of(path);
    let mut plans = iter::successors(Some(plan), |plan| plan.base);
    let named = find_row(plan, &path, 0);
    let found = named.or_else(|| plans.find_map(|plan| kept_whole(plan, &path, 0)))?;
    let decides = |row: &PlanRow| {
        let names = path.is_named_by(&row.pattern, 0) || path.is_inside(&row.pattern, 0);
        ptr::eq(row.row, found.row) && names
    };
    rows(plan).into_iter().find(decides)
}
