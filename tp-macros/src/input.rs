//! The tokens between a macro's braces.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::ToTokens;
use syn::braced;
use syn::parse::{ParseStream, Parser};

/// Parses all of a macro's input.
///
/// What is missing at its end is reported on its last token: without one, rustc would underline the
/// whole macro.
///
/// # Errors
/// The parser's.
pub(crate) fn parse<T>(
    input: TokenStream,
    parser: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let last = input.clone().into_iter().last();
    let mut group = Group::new(Delimiter::Brace, input);
    group.set_span(last.map_or_else(Span::call_site, |token| token.span()));
    let braced = |stream: ParseStream<'_>| {
        let content;
        braced!(content in stream);
        parser(&content)
    };
    braced.parse2(group.into_token_stream())
}
