//! A plan in the format of Python tables: PyTorch's names, one entry per expanded pattern.

use serde_json::{Map, Value, json};

use crate::plan::python::DESIRED_INPUT;
use crate::plan::{ArgumentValue, Mode, Plan, Style, rows};

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

/// One style: its class, and the attributes of it.
pub(crate) fn entry(style: Style) -> Value {
    let default = style.kind.style();
    let mut entry = Map::new();
    entry.insert("style".into(), style.kind.python().name.into());
    for argument in style.kind.arguments() {
        let (keyword, value) = (argument.python(), style.value(argument));
        // An argument that Python does not know is there only where it says something.
        if keyword.parameter.is_some() || value != default.value(argument) {
            entry.insert(keyword.attribute.into(), attribute(value));
        }
    }
    if let Some(desired) = style.kind.desired_input() {
        entry.insert(DESIRED_INPUT.into(), desired.to_string().into());
    }
    Value::Object(entry)
}

fn attribute(value: ArgumentValue) -> Value {
    match value {
        ArgumentValue::Placement(placement) => placement.to_string().into(),
        ArgumentValue::Flag(flag) => flag.into(),
        ArgumentValue::Names(names) => names.into(),
    }
}
