//! After the checks of single rows: how the layouts of all of them meet, each fault on its row.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::check::Table;

/// One constant that follows the flow of the model, and one per column that shows what it found
/// there. A constant per row would show the same, and cost rustc as much as all other checks.
pub(super) fn expand(table: &Table) -> TokenStream {
    let name = &table.name;
    let columns = [
        column(table, "TensorParallel"),
        column(table, "SequenceParallel"),
    ];
    quote! {
        const _: () = {
            #[allow(long_running_const_eval)]
            const FLOW: ::tp_runtime::plan::check::Flow =
                ::tp_runtime::plan::check::Flow::of(&#name);
            #(#columns)*
        };
    }
}

fn column(table: &Table, mode: &str) -> TokenStream {
    let mode = proc_macro2::Ident::new(mode, proc_macro2::Span::call_site());
    let mode = quote!(::tp_runtime::plan::Mode::#mode);
    let flow = quote!(FLOW);
    let rows = table.items.iter().enumerate().map(|(index, item)| {
        quote_spanned! {item.span=>
            ::tp_runtime::plan::check::Location::Own(#index) =>
                ::tp_runtime::plan::check::Flow::fail(&#flow, #mode),
        }
    });
    let starts = table.base.as_ref().map(|base| {
        quote_spanned! {base.span()=>
            ::tp_runtime::plan::check::Location::Base =>
                ::tp_runtime::plan::check::Flow::fail(&#flow, #mode),
        }
    });
    quote! {
        const _: () = match #flow.location(#mode) {
            #(#rows)*
            #starts
            _ => {}
        };
    }
}
