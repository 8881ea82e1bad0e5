//! A plan as a Python file for PyTorch's `parallelize_module`.

use super::error::InteropError;
use super::fit::names_layer;
use super::gathers::gathers;
use crate::plan::{Mode, Placement, Plan, PlanError, PlanRow, Style, StyleKind, rows};

/// Names that a file may need, in the order they are imported.
const IMPORTS: [(&str, &[&str]); 2] = [
    (
        "torch.distributed.tensor",
        &["DTensor", "Replicate", "Shard"],
    ),
    (
        "torch.distributed.tensor.parallel",
        &[
            "ColwiseParallel",
            "ParallelStyle",
            "RowwiseParallel",
            "SequenceParallel",
        ],
    ),
];

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
    let named = |row: &PlanRow| !row.optional || names_layer(plan.node, &row.pattern);
    let rows: Vec<PlanRow> = rows(plan).into_iter().filter(named).collect();
    refuse(plan, &rows, mode)?;
    let gathers = gathers(plan, mode);
    let cell = |row: PlanRow| {
        let style = row.style(mode)?;
        Some(match gathers.contains(&row.pattern) {
            true => (row.pattern, style.input(Placement::Shard(1))),
            false => (row.pattern, style),
        })
    };
    let cells: Vec<(String, Style)> = rows.into_iter().filter_map(cell).collect();
    let mut body = String::new();
    for (kind, class) in CLASSES {
        if cells.iter().any(|(_, style)| style.kind == kind) {
            body.push_str(&format!("{class}\n\n"));
        }
    }
    body.push_str("plan = {\n");
    for (pattern, style) in &cells {
        body.push_str(&format!("    \"{pattern}\": {},\n", call(*style)));
    }
    body.push_str("}\n");
    Ok(format!("{}\n\n{body}", head(plan, mode, &body)))
}

/// An error where a row asks for parts that torch's chunks are not.
fn refuse(plan: &Plan, rows: &[PlanRow], mode: Mode) -> Result<(), InteropError> {
    let cell = |row: &PlanRow| {
        let style = row.style(mode)?;
        let in_parts = style.share_heads || !style.segments.is_empty();
        in_parts.then(|| format!("\"{}\" is `{style}`", row.pattern))
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

/// The styles that PyTorch does not have.
const CLASSES: [(StyleKind, &str); 3] = [
    (
        StyleKind::VocabParallelEmbedding,
        include_str!("python/VocabParallelEmbedding.py"),
    ),
    (
        StyleKind::SequenceParallelAllGatherActivation,
        include_str!("python/SequenceParallelAllGatherActivation.py"),
    ),
    (
        StyleKind::RotaryEmbedParallel,
        include_str!("python/RotaryEmbedParallel.py"),
    ),
];

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
    for (module, names) in IMPORTS {
        let used: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| uses(body, name))
            .collect();
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
fn call(style: Style) -> String {
    let default = style.kind.style();
    let mut arguments = Vec::new();
    if style.input != default.input {
        arguments.push(format!("input_layouts={}", layout(style.input)));
    }
    if style.output != default.output {
        arguments.push(format!("output_layouts={}", layout(style.output)));
    }
    if style.local != default.local {
        let local = if style.local { "True" } else { "False" };
        arguments.push(format!("use_local_output={local}"));
    }
    format!("{}({})", style.kind.python_name(), arguments.join(", "))
}

fn layout(placement: Placement) -> String {
    match placement {
        Placement::Shard(_) => placement.to_string(),
        whole => format!("{whole}()"),
    }
}
