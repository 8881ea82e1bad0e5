//! One entry of another program's plan: the style of its pattern, however it is written.

use serde_json::{Map, Value};

use super::error::EntryErrorKind;
use super::expression::{self, Expression};
use super::{style, words};
use crate::plan::Style;

/// torchtitan's class for a module that is whole on every rank.
const WHOLE: &str = "NoParallel";

/// Reads an entry: a word of transformers, a Python call, or an object that `tp plans --json` writes.
///
/// It is a cell of a table, of which `None` is `_`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(entry: &Value) -> Result<Option<Style>, EntryErrorKind> {
    match entry {
        Value::String(text) if is_word(text) => words::translate(text),
        Value::String(text) => match expression::parse(text) {
            Some(Expression::Call { name, .. }) if name == WHOLE => Ok(None),
            Some(Expression::Call { name, arguments }) => style::read(&name, arguments).map(Some),
            _ => Err(EntryErrorKind::Text {
                found: text.clone(),
            }),
        },
        Value::Object(fields) if fields.get("style").is_some_and(|name| name == WHOLE) => Ok(None),
        Value::Object(fields) => object(fields).map(Some),
        other => Err(EntryErrorKind::Value {
            found: other.to_string(),
        }),
    }
}

/// Words are in lower case, classes are not.
fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_uppercase() || c == '(')
}

/// `{"style": "ColwiseParallel", "output_layouts": "Replicate", …}`.
fn object(fields: &Map<String, Value>) -> Result<Style, EntryErrorKind> {
    let Some(Value::String(name)) = fields.get("style") else {
        return Err(EntryErrorKind::Value {
            found: "an object without `style`".to_owned(),
        });
    };
    let rest = fields.iter().filter(|(key, _)| *key != "style");
    let arguments = rest.map(|(key, field)| {
        let value = match field {
            Value::Bool(flag) => Some(Expression::Flag(*flag)),
            Value::Number(number) => number.as_i64().map(Expression::Number),
            Value::String(text) => expression::parse(text),
            Value::Array(names) => {
                let names = names.iter().map(|name| expression::parse(name.as_str()?));
                names.collect::<Option<_>>().map(Expression::Tuple)
            }
            _ => None,
        };
        match value {
            Some(value) => Ok((Some(key.clone()), value)),
            None => Err(EntryErrorKind::ArgumentValue {
                argument: key.clone(),
                expected: "value of a style's argument",
            }),
        }
    });
    style::read(name, arguments.collect::<Result<_, _>>()?)
}
