//! `assert_shards!`: a check of a plan on a config that is a constant, on the tokens of the degree.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Path, Token};

use crate::fault::Fault;
use crate::input;

/// `PLAN, CONFIG, tp = DEGREE`
struct Assertion {
    plan: Path,
    config: Path,
    degree: Expr,
}

impl Parse for Assertion {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let plan = or(input)?;
        or::<Token![,]>(input)?;
        let config = or(input)?;
        or::<Token![,]>(input)?;
        let tp: Ident = or(input)?;
        if tp != "tp" {
            return Err(syn::Error::new(tp.span(), Fault::Shards));
        }
        or::<Token![=]>(input)?;
        let degree = or(input)?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error(Fault::Shards));
        }
        Ok(Self {
            plan,
            config,
            degree,
        })
    }
}

fn or<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    let here = input.span();
    input
        .parse()
        .map_err(|_| syn::Error::new(here, Fault::Shards))
}

pub(crate) fn assert_shards(input: TokenStream) -> TokenStream {
    let Assertion {
        plan,
        config,
        degree,
    } = match input::parse(input, Assertion::parse) {
        Ok(assertion) => assertion,
        Err(error) => return error.into_compile_error(),
    };
    let arguments = quote!(&#plan, &#config.sizes(), #degree);
    quote_spanned! {degree.span()=>
        const _: () = ::tp_runtime::plan::check::shards(#arguments);
    }
}
