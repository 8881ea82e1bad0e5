//! The macros of `tp-runtime`: `tp_plan!` and `#[derive(Module)]`.

use proc_macro::TokenStream;

/// Describes a struct of modules; see the crate documentation of `tp-runtime`.
#[proc_macro_derive(Module, attributes(module, flow))]
pub fn derive_module(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
