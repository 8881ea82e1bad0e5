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

/// Says on stderr what a person should know beside the result.
pub(crate) fn note(text: &str) {
    // Where stderr is gone, the result is still worth having.
    let _ = writeln!(io::stderr(), "note: {text}");
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
pub(crate) fn message(error: &Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    without_trace(&message)
}

/// A text without where in its own source libtorch gave up, nor how often an error passed through it.
fn without_trace(message: &str) -> String {
    let traces = ["\nException raised from", "\nframe #"].into_iter();
    let end = traces.filter_map(|trace| message.find(trace)).min();
    message[..end.unwrap_or(message.len())].replace("Internal torch error: ", "")
}

fn is_broken_pipe(error: &Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_told_once_and_without_a_trace() {
        let cause = "Internal torch error: index 7 is out of range\nException raised from f at g.cpp:1\nframe #0: f";
        let error = anyhow!("{cause}").context("step 3");
        assert_eq!(message(&error), "step 3: index 7 is out of range");
        let error = anyhow!("no space left").context("cannot write: no space left");
        assert_eq!(message(&error), "cannot write: no space left");
    }
}
