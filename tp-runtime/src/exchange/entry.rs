//! One entry of another program's plan: the style of its pattern, however it is written.

use serde_json::{Map, Value as Json};

use super::call::{self, Value};
use super::error::Fault;
use super::{lasting, words};
use crate::plan::nearest::nearest;
use crate::plan::{Placement, Style, StyleKind};

/// A cell of a table; `None` is `_`.
pub(super) type Entry = Option<Style>;

/// Reads an entry: a word of transformers, a Python call, or an object that `tp plans --json` writes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(entry: &Json) -> Result<Entry, Fault> {
    match entry {
        Json::String(text) if is_word(text) => words::translate(text),
        Json::String(text) => match call::parse(text) {
            Some(Value::Call { name, arguments }) => style(&name, arguments).map(Some),
            _ => Err(Fault::Text {
                found: text.clone(),
            }),
        },
        Json::Object(fields) => object(fields).map(Some),
        other => Err(Fault::Value {
            found: other.to_string(),
        }),
    }
}

/// Words are in lower case, classes are not.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_uppercase() || c == '(')
}

/// `{"style": "ColwiseParallel", "output_layouts": "Replicate", …}`.
fn object(fields: &Map<String, Json>) -> Result<Style, Fault> {
    let Some(Json::String(name)) = fields.get("style") else {
        return Err(Fault::Value {
            found: "an object without `style`".to_owned(),
        });
    };
    let rest = fields.iter().filter(|(key, _)| *key != "style");
    let arguments = rest.map(|(key, field)| {
        let value = match field {
            Json::Bool(flag) => Some(Value::Flag(*flag)),
            Json::Number(number) => number.as_i64().map(Value::Number),
            Json::String(text) => call::parse(text),
            Json::Array(names) => {
                let names = names.iter().map(|name| call::parse(name.as_str()?));
                names.collect::<Option<_>>().map(Value::Tuple)
            }
            _ => None,
        };
        match value {
            Some(value) => Ok((Some(key.clone()), value)),
            None => Err(Fault::ArgumentValue {
                argument: key.clone(),
                expected: "value of a style's argument",
            }),
        }
    });
    style(name, arguments.collect::<Result<_, _>>()?)
}

fn style(name: &str, arguments: Vec<(Option<String>, Value)>) -> Result<Style, Fault> {
    let kinds = StyleKind::ALL;
    let Some(kind) = kinds.into_iter().find(|kind| kind.python_name() == name) else {
        let known = kinds.map(StyleKind::python_name);
        return Err(Fault::Style {
            found: name.to_owned(),
            near: nearest(name, known),
            known: known.to_vec(),
        });
    };
    // What `output_layouts` implies for `local` in a table, it does not imply in Python.
    let mut style = kind.style();
    let mut local = style.local;
    for (argument, value) in arguments {
        let argument = argument.unwrap_or_default();
        match argument.as_str() {
            "use_local_output" => local = flag(&argument, &value)?,
            "share_heads" if kind == StyleKind::Colwise => {
                style = style.share_heads(flag(&argument, &value)?);
            }
            "segments" if kind == StyleKind::Colwise => {
                style = style.segments(names(&argument, value)?);
            }
            "input_layouts"
            | "sequence_sharding"
            | "sequence_dim"
            | "output_layouts"
            | "desired_input_layouts"
                if takes(kind).contains(&argument.as_str()) =>
            {
                style = with_layout(style, &argument, &value)?;
            }
            _ => {
                return Err(Fault::Argument {
                    style: kind.python_name(),
                    found: argument,
                    takes: takes(kind),
                });
            }
        }
    }
    let in_parts = style.share_heads || !style.segments.is_empty();
    if in_parts && style.output == Placement::Replicate {
        return Err(Fault::Layout {
            style: kind.python_name(),
            argument: "output_layouts",
            found: style.output.to_string(),
            legal: vec!["output_layouts=Shard(-1)".to_owned()],
        });
    }
    Ok(style.local(local))
}

/// The arguments of a style in Python.
const fn takes(kind: StyleKind) -> &'static [&'static str] {
    match kind {
        StyleKind::Colwise => &[
            "input_layouts",
            "output_layouts",
            "desired_input_layouts",
            "use_local_output",
        ],
        StyleKind::Rowwise | StyleKind::VocabParallelEmbedding => {
            &["input_layouts", "output_layouts", "use_local_output"]
        }
        StyleKind::SequenceParallel
        | StyleKind::SequenceParallelAllGatherActivation
        | StyleKind::RotaryEmbedParallel => {
            &["sequence_dim", "sequence_sharding", "use_local_output"]
        }
    }
}

fn with_layout(style: Style, argument: &str, value: &Value) -> Result<Style, Fault> {
    let kind = style.kind;
    let layout = layout(argument, value)?;
    let (name, legal) = match argument {
        "output_layouts" => ("output_layouts", kind.rule().outputs),
        "desired_input_layouts" => ("desired_input_layouts", &[Placement::Replicate][..]),
        "input_layouts" => ("input_layouts", kind.rule().inputs),
        _ => ("sequence_sharding", kind.rule().inputs),
    };
    if !legal.contains(&layout) {
        let legal = legal.iter().map(|legal| format!("{name}={legal}"));
        return Err(Fault::Layout {
            style: kind.python_name(),
            argument: name,
            found: layout.to_string(),
            legal: legal.collect(),
        });
    }
    Ok(match argument {
        "output_layouts" => style.output(layout),
        "desired_input_layouts" => style,
        _ => Style {
            input: layout,
            ..style
        },
    })
}

/// `Replicate()`, `Shard(1)`, either in a tuple of one, or the bare dimension of a sequence.
fn layout(argument: &str, value: &Value) -> Result<Placement, Fault> {
    let placement = match value {
        Value::Tuple(values) => match &values[..] {
            [one] => return layout(argument, one),
            _ => None,
        },
        Value::Number(dimension) if argument == "sequence_dim" => {
            Some(Placement::Shard(*dimension))
        }
        Value::Call { name, arguments } => match (name.as_str(), &arguments[..]) {
            ("Replicate", []) => Some(Placement::Replicate),
            ("Partial", []) => Some(Placement::Partial),
            ("Shard", [(dim, Value::Number(dimension))])
                if dim.as_ref().is_none_or(|dim| dim == "dim") =>
            {
                Some(Placement::Shard(*dimension))
            }
            _ => None,
        },
        _ => None,
    };
    placement.ok_or_else(|| Fault::ArgumentValue {
        argument: argument.to_owned(),
        expected: "layout: write `Replicate()` or `Shard(1)`",
    })
}

fn flag(argument: &str, value: &Value) -> Result<bool, Fault> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        _ => Err(Fault::ArgumentValue {
            argument: argument.to_owned(),
            expected: "flag: write `True` or `False`",
        }),
    }
}

fn names(argument: &str, value: Value) -> Result<&'static [&'static str], Fault> {
    let Value::Tuple(values) = value else {
        return Err(no_names(argument));
    };
    let names = values.into_iter().map(|value| match value {
        Value::Call { name, arguments } if arguments.is_empty() => Ok(lasting::text(&name)),
        _ => Err(no_names(argument)),
    });
    Ok(lasting::list(names.collect::<Result<_, _>>()?))
}

fn no_names(argument: &str) -> Fault {
    Fault::ArgumentValue {
        argument: argument.to_owned(),
        expected: "list of segments: write `[\"q\", \"k\", \"v\"]`",
    }
}
