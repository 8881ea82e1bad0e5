//! A plan as a Python file for PyTorch's `parallelize_module`.

use super::error::InteropError;
use super::expression::Expression;
use super::fit::names_layer;
use super::gathers::gathers;
use crate::plan::python::CLASSES;
use crate::plan::{Argument, Mode, Plan, PlanError, PlanRow, SEQUENCE, Style, rows};

/// The text of a Python file with one column of a plan, as the dict `plan` that
/// `parallelize_module(model, mesh, plan)` takes.
///
/// Styles that PyTorch does not have are classes in that file. Columns that gather their input without
/// saying so say it there. Rows that name no module of the model's type have no entry.
///
/// # Errors
/// When the plan has no such column, or says what PyTorch cannot.
pub fn python(plan: &'static Plan, mode: Mode) -> Result<String, InteropError> {
    if !plan.supports(mode) {
        return Err(PlanError::NoSequenceColumn { plan }.into());
    }
    let named = |row: &PlanRow| !row.is_optional() || names_layer(plan.node, &row.pattern);
    let rows: Vec<PlanRow> = rows(plan).into_iter().filter(named).collect();
    refuse(plan, &rows, mode)?;
    let gathers = gathers(plan, mode);
    let cell = |row: PlanRow| {
        let style = row.style(mode)?;
        Some(match gathers.contains(&row.pattern) {
            true => (row.pattern, style.input(SEQUENCE)),
            false => (row.pattern, style),
        })
    };
    let cells: Vec<(String, Style)> = rows.into_iter().filter_map(cell).collect();
    let mut body = String::new();
    for class in CLASSES {
        let is_used = cells.iter().any(|(_, style)| style.kind == class.style);
        if let Some(source) = class.source.filter(|_| is_used) {
            body.push_str(&format!("{source}\n\n"));
        }
    }
    body.push_str("plan = {\n");
    for (pattern, style) in &cells {
        body.push_str(&format!("    \"{pattern}\": {},\n", call(*style)));
    }
    body.push_str("}\n");
    Ok(format!("{}\n\n{body}", head(plan, mode, &body)))
}

/// An error where a row has an argument that no style of PyTorch has.
fn refuse(plan: &Plan, rows: &[PlanRow], mode: Mode) -> Result<(), InteropError> {
    let cell = |row: &PlanRow| {
        let style = row.style(mode)?;
        let is_unknown = |argument: Argument| argument.python().parameter.is_none();
        let refused = style.differences().any(is_unknown);
        refused.then(|| format!("\"{}\" is `{style}`", row.pattern))
    };
    let cells: Vec<String> = rows.iter().filter_map(cell).collect();
    if cells.is_empty() {
        return Ok(());
    }
    Err(InteropError::NotInPython {
        plan: plan.name,
        cells,
    })
}

/// The modules of PyTorch with the names that a file may need, in the order they are imported.
fn imports() -> [(&'static str, Vec<&'static str>); 2] {
    let own = CLASSES.iter().filter(|class| class.source.is_none());
    let mut styles: Vec<&str> = own
        .map(|class| class.name)
        .chain(["ParallelStyle"])
        .collect();
    styles.sort_unstable();
    [
        (
            "torch.distributed.tensor",
            vec!["DTensor", "Replicate", "Shard"],
        ),
        ("torch.distributed.tensor.parallel", styles),
    ]
}

/// The docstring and the imports of what the body names.
fn head(plan: &Plan, mode: Mode, body: &str) -> String {
    let mode = match mode {
        Mode::TensorParallel => "tensor parallel",
        Mode::SequenceParallel => "tensor and sequence parallel",
    };
    let mut head = format!(
        "\"\"\"Plan {} of {}, {mode}: parallelize_module(model, mesh, plan).\"\"\"\n\n",
        plan.name,
        plan.model()
    );
    for (module, names) in imports() {
        let used = names.into_iter().filter(|name| uses(body, name));
        let used: Vec<&str> = used.collect();
        if !used.is_empty() {
            head.push_str(&format!("from {module} import {}\n", used.join(", ")));
        }
    }
    head
}

/// Whether a name stands in a text by itself.
fn uses(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    text.split(|c| !is_part(c))
        .any(|word| word.split('.').next() == Some(name))
}

/// A style as Python makes it: the arguments that differ from the defaults there.
fn call(style: Style) -> Expression {
    let arguments = style.differences().map(|argument| {
        let keyword = argument.python().parameter.map(str::to_owned);
        (keyword, Expression::of(argument, style.value(argument)))
    });
    Expression::Call {
        name: style.kind.python().name.to_owned(),
        arguments: arguments.collect(),
    }
}
