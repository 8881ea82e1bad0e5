//! `#[derive(Module)]`.

mod check;
mod expand;
mod identity;
mod parse;

use proc_macro2::TokenStream;

use crate::report::Report;

/// The `Module` implementation of a struct, after every fault found in it.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let input: syn::DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut report = Report::default();
    let raw = parse::parse(&input, &mut report);
    let module = check::check(raw, &mut report);
    let implementation = expand::expand(&input, &module);
    let mut tokens = report.into_tokens();
    tokens.extend(implementation);
    tokens
}
