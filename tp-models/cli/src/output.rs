//! Where results and errors go.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Error, Result};
use serde::Serialize;

/// Prints a result and a line break on stdout.
///
/// # Errors
/// When stdout refuses it.
pub(crate) fn print(result: impl Display) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{result}")?;
    Ok(stdout.flush()?)
}

/// Prints a result as indented JSON on stdout.
///
/// # Errors
/// When stdout refuses it.
pub(crate) fn print_json(result: &impl Serialize) -> Result<()> {
    print(serde_json::to_string_pretty(result)?)
}

/// The program's exit code, `trouble` for an error, which goes to stderr.
pub(crate) fn exit(result: Result<ExitCode>, trouble: ExitCode) -> ExitCode {
    match result {
        Ok(code) => code,
        // The reader has seen enough, as `head` has.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // When stderr is gone too, only the exit code is left to tell of it.
            let _ = writeln!(io::stderr(), "error: {}", message(&error));
            trouble
        }
    }
}

/// The error with its causes, less those whose text it already gives.
fn message(error: &Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

fn is_broken_pipe(error: &Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
