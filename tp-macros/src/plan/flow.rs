//! After the checks of single rows: how the layouts of all of them meet, each fault on its row.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::check::Table;

/// One constant that follows the flow of the model, and one per row that shows what it found there.
pub(super) fn expand(table: &Table) -> TokenStream {
    let name = &table.name;
    let flow = quote!(FLOW);
    let rows = table.items.iter().enumerate().map(|(index, item)| {
        quote_spanned! {item.span=>
            const _: () = ::tp_runtime::plan::check::Flow::meets(&#flow, #index);
        }
    });
    let starts = table.base.as_ref().map(|base| {
        quote_spanned! {base.span()=>
            const _: () = ::tp_runtime::plan::check::Flow::meets_base(&#flow);
        }
    });
    quote! {
        const _: () = {
            #[allow(long_running_const_eval)]
            const FLOW: ::tp_runtime::plan::check::Flow =
                ::tp_runtime::plan::check::Flow::of(&#name);
            #(#rows)*
            #starts
        };
    }
}
