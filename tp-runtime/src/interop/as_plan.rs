//! An import as a plan like those that `tp_plan!` writes, checked as rustc checks them.

use super::{Columns, Import, ImportedRow, lasting};
use crate::plan::{Item, Node, Plan, Row};

impl Import {
    /// The plan for `model`, under the name of the file it came from. It lives as long as the program.
    ///
    /// [`Import::fit`] comes before; [`plan::check::faults`](crate::plan::check::faults) says whether the rows are right.
    pub fn plan(&self, model: &'static Node, file: &str) -> &'static Plan {
        let item = |row: &ImportedRow| {
            let pattern = lasting::text(&row.pattern);
            let optional = match row.optional {
                true => Row::optional,
                false => std::convert::identity,
            };
            let own = Row::new(pattern, row.tensor_parallel);
            let own = own.sequence_parallel(row.sequence_parallel);
            Item::Row(optional(own).on_line(row.line))
        };
        let items = self.rows.iter().map(item);
        lasting::value(Plan {
            name: lasting::text(file),
            doc: "",
            node: model,
            alternate: Some("imported"),
            base: None,
            items: lasting::list(items.collect()),
            has_sequence_column: self.columns != Columns::TensorParallel,
            file: lasting::text(file),
            line: 1,
        })
    }
}
