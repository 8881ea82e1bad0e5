//! `tp_plan!`.

mod cell;
mod check;
mod coverage;
mod document;
mod expand;
mod flow;
mod layout;
mod parse;
mod pattern;
mod rules;
mod segments;
mod written;

use crate::input;
use crate::report::Report;
use proc_macro2::TokenStream;

/// The constant, its checks and its registration, after every fault found in the table.
pub(crate) fn plan(input: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let parsed = input::parse(input, |stream| parse::parse(stream, &mut report));
    let expansion = match parsed {
        Ok(raw) => {
            let table = check::check(raw, &mut report);
            let mut tokens = expand::expand(&table);
            // A table without its faulty rows is not the one that was meant.
            if report.is_empty() {
                tokens.extend(coverage::expand(&table));
                tokens.extend(flow::expand(&table));
            }
            tokens
        }
        Err(error) => error.into_compile_error(),
    };
    let mut tokens = report.into_tokens();
    tokens.extend(expansion);
    tokens
}
