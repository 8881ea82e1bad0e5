//! What an editor completes: words that are still being typed, where the finished ones would stand.

use proc_macro2::TokenStream;
use quote::quote;

use super::parse::{RawBody, RawCell, RawPlan};
use tp_plan::StyleKind;

/// A constant for each style that is none, which rust-analyzer sees and rustc does not.
pub(super) fn expand(raw: &RawPlan) -> TokenStream {
    let cells = raw.rows.iter().flat_map(|row| match &row.body {
        RawBody::Include(_) => Vec::new(),
        RawBody::Cells(left, right) => [Some(left), right.as_ref()].into_iter().flatten().collect(),
    });
    let begun = cells.filter_map(|cell| match cell {
        RawCell::Style(style) if StyleKind::named(&style.name.to_string()).is_none() => {
            Some(&style.name)
        }
        _ => None,
    });
    quote! {
        #(
            #[allow(unexpected_cfgs)]
            const _: () = {
                #[cfg(rust_analyzer)]
                ::tp_runtime::plan::StyleKind::#begun;
            };
        )*
    }
}
