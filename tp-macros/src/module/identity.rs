//! What a type is called, and what tells it from every other: a generic struct is another type for each
//! of its parameters.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{DeriveInput, Expr, GenericParam};

/// The two texts of a node, as expressions.
pub(super) struct Identity {
    pub(super) type_name: TokenStream,
    pub(super) type_path: TokenStream,
    /// The constants that hold them where the struct has parameters.
    pub(super) constants: TokenStream,
}

impl Identity {
    /// That of the struct, which is called `name` where it says so.
    pub(super) fn of(input: &DeriveInput, name: Option<&Expr>) -> Self {
        let own_name = input.ident.to_string();
        let own_path = quote! { ::core::concat!(::core::module_path!(), "::", #own_name) };
        let parameters: Vec<&GenericParam> = input
            .generics
            .params
            .iter()
            .filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
            .collect();
        if parameters.is_empty() {
            return Self {
                type_name: name.map_or(quote! { #own_name }, |name| quote! { #name }),
                type_path: own_path,
                constants: TokenStream::new(),
            };
        }
        let own_name = quote! { #own_name };
        let called = with_parameters(&own_name, &parameters, "type_name");
        let path = with_parameters(&own_path, &parameters, "type_path");
        let (type_name, name_constant) = match name {
            Some(name) => (quote! { #name }, None),
            None => (
                quote! { Self::__TYPE_NAME.as_str() },
                Some(quote! { const __TYPE_NAME: &'static ::tp_runtime::plan::Text = #called; }),
            ),
        };
        let ident = &input.ident;
        let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
        Self {
            type_name,
            type_path: quote! { Self::__TYPE_PATH.as_str() },
            constants: quote! {
                #[automatically_derived]
                impl #impl_generics #ident #type_generics #where_clause {
                    #name_constant
                    const __TYPE_PATH: &'static ::tp_runtime::plan::Text = #path;
                }
            },
        }
    }
}

/// `Own<A, B>`: each parameter as the `text` of its own node says, or as its number.
fn with_parameters(own: &TokenStream, parameters: &[&GenericParam], text: &str) -> TokenStream {
    let text = format_ident!("{text}");
    let pushes = parameters.iter().enumerate().map(|(index, parameter)| {
        let separator = if index == 0 { "<" } else { ", " };
        let push = match parameter {
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                // On the parameter, so that one that is no module is reported there.
                quote_spanned! {ident.span()=>
                    text.push(<#ident as ::tp_runtime::Module>::NODE.#text);
                }
            }
            GenericParam::Const(parameter) => {
                let ident = &parameter.ident;
                quote! { text.push_number(#ident as usize); }
            }
            GenericParam::Lifetime(_) => TokenStream::new(),
        };
        quote! { text.push(#separator); #push }
    });
    quote! {
        &{
            let mut text = ::tp_runtime::plan::Text::of(&[#own]);
            #(#pushes)*
            text.push(">");
            text
        }
    }
}
