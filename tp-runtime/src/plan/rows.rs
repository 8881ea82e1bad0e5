//! The rows of a plan with those of the plans it includes and starts from, under their full paths.

use super::{Item, Plan, Row, Text};

/// A row under its full path, and where it was written.
#[derive(Clone, Debug)]
pub struct PlanRow {
    /// Its pattern, with the prefix of the include it came through.
    pub pattern: String,
    /// The plan whose table it stands in.
    pub plan: &'static Plan,
    row: Row,
}

impl std::ops::Deref for PlanRow {
    type Target = Row;

    fn deref(&self) -> &Row {
        &self.row
    }
}

impl PlanRow {
    /// Where it was written, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.plan.file, self.line)
    }
}

/// Every row of a plan, included plans where they stand in the table.
///
/// The first that matches a module is the module's: the rows of the plan that a derived one starts
/// from come last, without those whose patterns the derived one repeats.
pub fn rows(plan: &'static Plan) -> Vec<PlanRow> {
    let mut rows = Vec::new();
    collect(plan, "", &mut rows);
    rows
}

fn collect(plan: &'static Plan, prefix: &str, rows: &mut Vec<PlanRow>) {
    let first = rows.len();
    for item in plan.items {
        match item {
            Item::Row(row) => rows.push(PlanRow {
                pattern: Text::path(prefix, row.pattern).as_str().to_owned(),
                plan,
                row: *row,
            }),
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
        inherited.retain(|row| own.iter().all(|own| own.pattern != row.pattern));
        rows.extend(inherited);
    }
}
