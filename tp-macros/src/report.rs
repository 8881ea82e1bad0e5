//! Faults gathered on their tokens, so that one compile shows them all.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::fault::Fault;

/// The faults found so far.
#[derive(Default)]
pub(crate) struct Report(Option<syn::Error>);

impl Report {
    /// Adds a fault under the given tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, fault: Fault) {
        self.add(syn::Error::new_spanned(tokens, fault));
    }

    /// Adds a fault at a span.
    pub(crate) fn span(&mut self, span: Span, fault: Fault) {
        self.add(syn::Error::new(span, fault));
    }

    /// Adds an error that already has its span.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Every fault as a `compile_error!`; nothing where there is none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0
            .map(syn::Error::into_compile_error)
            .unwrap_or_default()
    }
}
