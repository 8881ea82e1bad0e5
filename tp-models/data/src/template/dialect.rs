//! Jinja as chat templates speak it: what transformers adds, and what Python has.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use chrono::format::StrftimeItems;
use chrono::{Local, NaiveDateTime};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind};

use super::{generation, json, python};
use crate::error::TemplateError;

/// Enough for conversations of many megabytes, and used up within seconds by a template that does not end.
const FUEL: u64 = 20_000_000;

/// An environment for templates.
pub(super) fn environment() -> Result<Environment<'static>, TemplateError> {
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    let syntax = syntax.map_err(|error| TemplateError::Syntax {
        reason: error.to_string(),
    })?;
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    minijinja_contrib::add_to_environment(&mut environment);
    environment.set_unknown_method_callback(python::method);
    environment.set_formatter(|output, state, value| match python::as_float(value) {
        Some(number) => Ok(output.write_str(&python::float(number))?),
        None => minijinja::escape_formatter(output, state, value),
    });
    environment.add_filter("string", python::string);
    environment.add_filter("trim", python::trim);
    environment.add_test("iterable", python::is_iterable);
    environment.add_test("sequence", python::is_sequence);
    environment.add_filter("tojson", json::to_json);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function(generation::FUNCTION, generation::mark);
    stop_clock(&mut environment, Local::now().naive_local());
    Ok(environment)
}

/// Gives templates one time, so that a row has the same text whenever it is read.
pub(super) fn stop_clock(environment: &mut Environment<'static>, now: NaiveDateTime) {
    environment.add_function("strftime_now", move |format: &str| {
        let mut text = String::new();
        let written = write!(
            text,
            "{}",
            now.format_with_items(StrftimeItems::new(format))
        );
        written.map_err(|_| {
            let reason = format!("`strftime_now` does not know the format `{format}`");
            Error::new(ErrorKind::InvalidOperation, reason)
        })?;
        Ok(text)
    });
}

/// The words of a template that refuses its messages.
#[derive(Debug)]
struct Raised(String);

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Raised {}

fn raise_exception(message: String) -> Result<String, Error> {
    let error = Error::new(ErrorKind::InvalidOperation, message.clone());
    Err(error.with_source(Raised(message)))
}

/// Tells what a template refuses from what it fails at.
pub(super) fn explain(error: &Error) -> TemplateError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(Raised(message)) = current.downcast_ref() {
            let message = message.clone();
            return TemplateError::Refused { message };
        }
        cause = current.source();
    }
    TemplateError::Render {
        reason: match error.kind() {
            ErrorKind::OutOfFuel => "it does not end, or the conversation is too long".to_owned(),
            _ => error.to_string(),
        },
    }
}
