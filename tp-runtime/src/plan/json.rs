//! A plan in the format of Python tables: PyTorch's style names, one entry per expanded pattern.

use serde_json::{Map, Value, json};

use super::{Mode, Placement, Plan, Style, StyleKind, rows};

/// `{"tp": {PATTERN: ENTRY}, "sp": {…} or null}`; modules without a style have no entry.
pub fn json(plan: &'static Plan) -> Value {
    json!({ "tp": column(plan, Mode::TensorParallel), "sp": column(plan, Mode::SequenceParallel) })
}

fn column(plan: &'static Plan, mode: Mode) -> Value {
    if !plan.supports(mode) {
        return Value::Null;
    }
    let entries = rows(plan).into_iter().filter_map(|row| {
        let style = row.style(mode)?;
        Some((row.pattern, entry(style)))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

/// One style, with PyTorch's names for it and its arguments.
pub(crate) fn entry(style: Style) -> Value {
    let layout = |placement: Placement| placement.to_string();
    let mut entry = Map::new();
    entry.insert("style".into(), style.kind.python_name().into());
    match style.kind {
        StyleKind::Colwise | StyleKind::Rowwise | StyleKind::VocabParallelEmbedding => {
            entry.insert("input_layouts".into(), layout(style.input).into());
            entry.insert("output_layouts".into(), layout(style.output).into());
        }
        StyleKind::SequenceParallel
        | StyleKind::SequenceParallelAllGatherActivation
        | StyleKind::RotaryEmbedParallel => {
            entry.insert("sequence_sharding".into(), layout(style.input).into());
        }
    }
    // No Python plan knows these two.
    if style.share_heads {
        entry.insert("share_heads".into(), true.into());
    }
    if !style.segments.is_empty() {
        entry.insert("segments".into(), style.segments.into());
    }
    entry.insert("use_local_output".into(), style.local.into());
    if style.kind == StyleKind::Colwise {
        // torch gathers a split input before the product, whatever layout it came in.
        entry.insert(
            "desired_input_layouts".into(),
            layout(Placement::Replicate).into(),
        );
    }
    Value::Object(entry)
}
