//! Last stage: the constant, one check per row on that row's tokens, the registration.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};
use tp_plan::Argument;

use super::cell::Style;
use super::check::{Body, Item, SequenceCell, Table};
use super::document::document;

pub(super) fn expand(table: &Table) -> TokenStream {
    let Table {
        attributes,
        visibility,
        name,
        model,
        has_sequence_column,
        ..
    } = table;
    let text = name.to_string();
    let doc = doc(attributes);
    let table_doc = document(table);
    let alternate = option(table.alternate.as_ref());
    let base = option(table.base.as_ref().map(|base| quote!(&#base)));
    let items = table.items.iter().map(item);
    let checks = table
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| checks(table, index, item));
    let starts = table.base.as_ref().map(|base| {
        quote_spanned! {base.span()=>
            const _: () = ::tp_runtime::plan::check::base(&#name);
        }
    });
    quote! {
        #(#attributes)*
        #[doc = #table_doc]
        #visibility static #name: ::tp_runtime::Plan = ::tp_runtime::Plan {
            name: #text,
            doc: #doc,
            node: <#model as ::tp_runtime::Module>::NODE,
            alternate: #alternate,
            base: #base,
            items: &[#(#items),*],
            has_sequence_column: #has_sequence_column,
            file: ::core::file!(),
            line: ::core::line!(),
        };
        #starts
        #(#checks)*
        ::tp_runtime::__private::inventory::submit! { ::tp_runtime::plan::PlanEntry(&#name) }
    }
}

fn item(item: &Item) -> TokenStream {
    let pattern = &item.pattern;
    match &item.body {
        Body::Include(plan) => quote! {
            ::tp_runtime::plan::Item::Include { prefix: #pattern, plan: &#plan }
        },
        Body::Row {
            tensor_parallel,
            sequence_parallel,
        } => {
            let line = line(item.span);
            let tensor = option(tensor_parallel.as_ref());
            let sequence = match sequence_parallel {
                SequenceCell::Same => None,
                SequenceCell::Own(style) => Some(option(style.as_ref())),
            };
            let sequence = sequence.map(|style| quote! { .sequence_parallel(#style) });
            let optional = item.optional.then(|| quote! { .optional() });
            quote! {
                ::tp_runtime::plan::Item::Row(
                    ::tp_runtime::plan::Row::new(#pattern, #tensor)#sequence #optional .on_line(#line)
                )
            }
        }
    }
}

/// What makes rustc check an item: the pattern on its literal, a style on its name.
///
/// A constant costs rustc more than most checks: two styles have one, unless each may be wrong in its own way.
fn checks(table: &Table, index: usize, item: &Item) -> TokenStream {
    let name = &table.name;
    let Body::Row {
        tensor_parallel,
        sequence_parallel,
    } = &item.body
    else {
        return quote_spanned! {item.span=>
            const _: () = ::tp_runtime::plan::check::include(&#name, #index);
        };
    };
    let second = match sequence_parallel {
        SequenceCell::Own(style) => style.as_ref(),
        SequenceCell::Same => None,
    };
    let row = quote_spanned!(item.span=> ::tp_runtime::plan::check::row(&#name, #index));
    match (tensor_parallel.as_ref(), second) {
        (None, None) => quote_spanned!(item.span=> const _: () = { #row; };),
        (Some(first), Some(second)) if !are_alike(first, second) => {
            let first = fits(first, "TensorParallel");
            let second = fits(second, "SequenceParallel");
            quote_spanned! {item.span=>
                const _: () = { let row = #row; #first };
                const _: () = {
                    let row = ::tp_runtime::plan::check::named(&#name, #index);
                    #second
                };
            }
        }
        (first, second) => {
            let first = first.map(|style| fits(style, "TensorParallel"));
            let second = second.map(|style| fits(style, "SequenceParallel"));
            quote_spanned!(item.span=> const _: () = { let row = #row; #first #second };)
        }
    }
}

/// Whether a layer that the one style does not fit, the other does not fit either.
fn are_alike(first: &Style, second: &Style) -> bool {
    let is_of_layouts = |style: &Style| {
        let mut arguments = style.arguments.iter();
        arguments.all(|given| given.argument != Argument::Segments)
    };
    first.kind == second.kind && is_of_layouts(first) && is_of_layouts(second)
}

/// The check of a style of a row.
fn fits(style: &Style, mode: &str) -> TokenStream {
    let mode = Ident::new(mode, Span::call_site());
    quote_spanned! {style.span=>
        ::tp_runtime::plan::check::fits(&row, ::tp_runtime::plan::Mode::#mode);
    }
}

fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote! { ::core::option::Option::Some(#value) },
        None => quote! { ::core::option::Option::None },
    }
}

/// The text of the doc comments.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        });
    lines
        .map(|line| line.trim().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The source line of a row; only the compiler knows it.
fn line(span: Span) -> u32 {
    if proc_macro::is_available() {
        span.unwrap().line() as u32
    } else {
        0
    }
}
