//! The macros of `tp-runtime`: `tp_plan!` and `#[derive(Module)]`.
//!
//! Both go through the same stages, one file each: `parse` makes a raw model that keeps every
//! span, `check` turns it into a model that cannot be illegal and reports all faults at once, and
//! `expand` writes the code. What a fault says is in `fault.rs`, and nowhere else.

mod fault;
mod module;
mod nearest;
mod report;

/// Describes a struct of modules under their checkpoint names; see `tp_runtime::Module`.
///
/// Every field is a module: `T`, `Option<T>`, `Vec<T>` or `Box<T>`. `#[module(skip)]` leaves a
/// field out, `#[module(rename = "...")]` gives a checkpoint name that is no Rust identifier, and
/// `#[flow(a -> b, c -> +)]` on the struct says how its children feed one another: stages in
/// order, children with commas read the same value, `+` adds it to the residual stream.
#[proc_macro_derive(Module, attributes(module, flow))]
pub fn derive_module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    module::derive(input.into()).into()
}
