//! `tp_plan!`.

mod cell;
mod check;
mod coverage;
mod document;
mod editor;
mod expand;
mod flow;
mod parse;
mod pattern;
mod placement;
mod segments;
mod written;

use crate::input;
use crate::report::Report;
use proc_macro2::TokenStream;

/// The constant, its checks and its registration, and every fault found in the table.
pub(crate) fn plan(input: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let parsed = input::parse(input, |stream| parse::parse(stream, &mut report));
    // Errors last: where a word is half typed, an editor completes the first token that came of it.
    let mut tokens = match parsed {
        Ok(raw) => {
            let begun = editor::expand(&raw);
            let table = check::check(raw, &mut report);
            let mut tokens = expand::expand(&table);
            tokens.extend(begun);
            // A table without its faulty rows is not the one that was meant.
            if report.is_empty() {
                tokens.extend(coverage::expand(&table));
                tokens.extend(flow::expand(&table));
            }
            tokens
        }
        Err(error) => error.into_compile_error(),
    };
    tokens.extend(report.into_tokens());
    tokens
}
