//! Faults gathered on their tokens, so that one compile shows them all.

use proc_macro2::TokenStream;
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

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
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
