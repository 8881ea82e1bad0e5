//! Methods of Python's strings, lists and dicts.

use minijinja::value::StringInput;
use minijinja::{Error, State, Value};
use minijinja_contrib::pycompat;

/// What Python's `str.isspace` says.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\x1c'..='\x1f')
}

/// A method that the engine does not have.
pub(super) fn method(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    match value.as_str() {
        Some(text) => match (name, arguments) {
            ("strip", []) => Ok(Value::from(text.trim_matches(is_space))),
            ("lstrip", []) => Ok(Value::from(text.trim_start_matches(is_space))),
            ("rstrip", []) => Ok(Value::from(text.trim_end_matches(is_space))),
            _ => pycompat::unknown_method_callback(state, value, name, arguments),
        },
        None => pycompat::unknown_method_callback(state, value, name, arguments),
    }
}

/// The filter `trim`.
pub(super) fn trim(text: StringInput<'_>, characters: Option<String>) -> String {
    let text = text.as_str();
    let trimmed = match characters {
        Some(characters) => text.trim_matches(|c| characters.contains(c)),
        None => text.trim_matches(is_space),
    };
    trimmed.to_owned()
}

/// A number as Python's `repr` writes it, whose exponents have a sign and two digits.
pub(super) fn float(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

/// The number that a value is, unless it is whole by its type.
pub(super) fn as_float(value: &Value) -> Option<f64> {
    let is_float = value.is_number() && !value.is_integer();
    let number = f64::try_from(value.clone()).ok().filter(|_| is_float)?;
    number.is_finite().then_some(number)
}

/// The filter `string`.
pub(super) fn string(value: &Value) -> Value {
    match as_float(value) {
        Some(number) => Value::from(float(number)),
        None if value.as_str().is_some() => value.clone(),
        None => Value::from(value.to_string()),
    }
}

/// The test `iterable`: what a loop could go over.
pub(super) fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// The test `sequence`: what has a length and items, as texts and dicts do, too.
pub(super) fn is_sequence(value: &Value) -> bool {
    value.is_undefined() || value.len().is_some()
}
