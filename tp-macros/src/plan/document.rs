//! The table as `cargo doc` shows it, below the plan's own words.

use quote::ToTokens;

use super::cell::Style;
use super::check::{Body, Item, SequenceCell, Table};

/// Markdown: a line per module pattern, a column per mode the plan has.
pub(super) fn document(table: &Table) -> String {
    let mut text = String::new();
    if let Some(base) = &table.base {
        let base = name(base);
        text.push_str(&format!("\nThe rows of `{base}`, but for these:\n"));
    }
    text.push_str(match table.has_sequence_column {
        true => "\n| module | tensor parallel | with sequence parallelism |\n|---|---|---|\n",
        false => "\n| module | tensor parallel |\n|---|---|\n",
    });
    for item in &table.items {
        text.push_str(&line(item, table.has_sequence_column));
    }
    text
}

fn line(item: &Item, has_sequence_column: bool) -> String {
    let optional = if item.optional { "?" } else { "" };
    let mut line = format!("| `{}{optional}` |", item.pattern);
    let (left, right) = match &item.body {
        Body::Include(plan) => {
            let plan = format!("the rows of `{}`", name(plan));
            (plan.clone(), plan)
        }
        Body::Row {
            tensor_parallel,
            sequence_parallel,
        } => {
            let left = cell(tensor_parallel.as_ref());
            let right = match sequence_parallel {
                SequenceCell::Same => left.clone(),
                SequenceCell::Own(style) => cell(style.as_ref()),
            };
            (left, right)
        }
    };
    line.push_str(&format!(" {left} |"));
    if has_sequence_column {
        line.push_str(&format!(" {right} |"));
    }
    line.push('\n');
    line
}

fn cell(style: Option<&Style>) -> String {
    match style {
        Some(style) => format!("`{style}`"),
        None => "replicated".to_owned(),
    }
}

/// A path without the spaces between its tokens.
fn name(path: &syn::Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}
