//! An import as the source of a plan: a `tp_plan!` table.

use std::fmt;

use super::{Columns, Import, ImportedRow};
use crate::plan::braces::neighbours;
use crate::plan::{Node, Style};

/// The source to print; it compiles where the crate of the model and `tp_runtime::tp_plan` are there.
#[derive(Debug)]
pub struct PlanSource<'a> {
    /// The rows.
    pub import: &'a Import,
    /// The model's type; without it a name to replace stands there.
    pub model: Option<&'static Node>,
    /// The constant's name.
    pub name: &'a str,
    /// The alternate's name, for a model that has a default.
    pub alternate: Option<&'a str>,
    /// The doc comment, a sentence.
    pub doc: &'a str,
}

/// One line of the table.
struct Line {
    pattern: String,
    left: String,
    right: Option<String>,
}

const LEFT: &str = "tensor parallel";
const RIGHT: &str = "with sequence parallelism";

/// Without a line break at the end.
impl fmt::Display for PlanSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.model.map_or("YourModel", |node| node.type_path);
        writeln!(f, "tp_runtime::tp_plan! {{\n    /// {}", self.doc)?;
        write!(f, "    pub {} for {model}", self.name)?;
        if let Some(alternate) = self.alternate {
            write!(f, " as \"{alternate}\"")?;
        }
        writeln!(f, ";\n")?;
        let lines = lines(self.import);
        let patterns = lines.iter().map(|line| line.pattern.len());
        let patterns = patterns.max().unwrap_or(0);
        let has_right = |line: &&Line| line.right.is_some();
        let left = match lines.iter().any(|line| line.right.is_some()) {
            true => {
                let cells = lines.iter().filter(has_right).map(|line| line.left.len());
                let left = cells.max().unwrap_or(0).max(LEFT.len());
                let heading = patterns - "// ".len() + " => ".len();
                writeln!(f, "    // {:heading$}{LEFT:left$} | {RIGHT}", "module")?;
                left
            }
            false => 0,
        };
        for Line {
            pattern,
            left: cell,
            right,
        } in &lines
        {
            match right {
                Some(right) => writeln!(f, "    {pattern:patterns$} => {cell:left$} | {right},")?,
                None => writeln!(f, "    {pattern:patterns$} => {cell},")?,
            }
        }
        f.write_str("}")
    }
}

fn lines(import: &Import) -> Vec<Line> {
    let differ = |row: &ImportedRow| row.tensor_parallel != row.sequence_parallel;
    // A table in which no row has a second column would have none.
    let all_alike = !import.rows.iter().any(differ);
    let cells = |row: &ImportedRow| (row.optional, row.tensor_parallel, row.sequence_parallel);
    let groups = neighbours(&import.rows, |row| &row.pattern, cells);
    let line = |(name, row): (String, &ImportedRow)| {
        let optional = if row.optional { "?" } else { "" };
        let has_right = import.columns != Columns::TensorParallel
            && (differ(row) || all_alike && row.tensor_parallel.is_some());
        Line {
            pattern: format!("\"{name}{optional}\""),
            left: cell(row.tensor_parallel),
            right: has_right.then(|| cell(row.sequence_parallel)),
        }
    };
    groups.into_iter().map(line).collect()
}

fn cell(style: Option<Style>) -> String {
    style.map_or_else(|| "_".to_owned(), |style| style.to_string())
}
