//! After the checks of single rows: whether some layer has none, shown on the plan's name.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use super::check::Table;

/// The constant that looks for forgotten layers; a derived plan has the rows of its base.
pub(super) fn expand(table: &Table) -> Option<TokenStream> {
    let name = &table.name;
    table.base.is_none().then(|| {
        quote_spanned! {name.span()=>
            const _: () = ::tp_runtime::plan::check::covered(&#name);
        }
    })
}
