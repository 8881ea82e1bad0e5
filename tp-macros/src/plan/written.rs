//! A checked style as code and as text.
//!
//! Names keep the spans they were written at, so that an editor shows the documentation of what
//! they expand to.

use std::fmt;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use super::cell::{Given, Style, Value};
use tp_plan::Placement;

impl ToTokens for Style {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let kind = Ident::new(self.kind.name(), self.span);
        tokens.extend(quote! { ::tp_runtime::plan::StyleKind::#kind.style() });
        for given in &self.arguments {
            let argument = Ident::new(given.argument.name(), given.name_span);
            let value = given.value();
            tokens.extend(quote! { .#argument(#value) });
        }
    }
}

impl Given {
    fn value(&self) -> TokenStream {
        let placement = |name| {
            let name = Ident::new(name, self.value_span);
            quote! { ::tp_runtime::Placement::#name }
        };
        match &self.value {
            Value::Placement(Placement::Replicate) => placement("Replicate"),
            Value::Placement(Placement::Partial) => placement("Partial"),
            Value::Placement(Placement::Shard(dimension)) => {
                let shard = placement("Shard");
                quote! { #shard(#dimension) }
            }
            Value::Flag(flag) => quote! { #flag },
            Value::Names(names) => quote! { &[#(#names),*] },
        }
    }
}

/// As a table writes it.
impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        for (index, given) in self.arguments.iter().enumerate() {
            let before = if index == 0 { "(" } else { ", " };
            write!(f, "{before}{}: {}", given.argument.name(), given.value)?;
        }
        if !self.arguments.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Placement(placement) => placement.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Names(names) => write!(f, "[{}]", names.join(", ")),
        }
    }
}
