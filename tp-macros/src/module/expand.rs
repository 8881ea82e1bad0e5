//! Last stage: the constant tree and the visit, both from the same children.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::DeriveInput;
use syn::spanned::Spanned;

use super::check::{Module, Stage};
use super::identity::Identity;

pub(super) fn expand(input: &DeriveInput, module: &Module) -> TokenStream {
    let ident = &input.ident;
    let Identity {
        type_name,
        type_path,
        constants,
    } = Identity::of(input, module.name.as_ref());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();

    let children = module.children.iter().map(|child| {
        let (name, ty) = (&child.name, &child.ty);
        let weight = child.weight.as_ref().map(|[rows, columns]| {
            quote! { .weight(&[#(#rows),*], &[#(#columns),*]) }
        });
        // On the type, so that a field that is no module is reported there.
        quote_spanned! {ty.span()=>
            ::tp_runtime::plan::Child::new(
                #name,
                <#ty as ::tp_runtime::module::Field>::ARITY,
                <#ty as ::tp_runtime::module::Field>::NODE,
            ) #weight
        }
    });
    let stages = module.flow.iter().map(|stage| match stage {
        Stage::Feed(branches) => {
            let branches = branches.iter().map(|chain| quote! { &[#(#chain),*] });
            quote! { ::tp_runtime::plan::Stage::Feed(&[#(#branches),*]) }
        }
        Stage::Residual => quote! { ::tp_runtime::plan::Stage::Residual },
    });
    let visits = module.children.iter().map(|child| {
        let (field, name, ty) = (&child.ident, &child.name, &child.ty);
        quote_spanned! {ty.span()=>
            <#ty as ::tp_runtime::module::Field>::visit(&self.#field, &path.join(#name), visitor);
        }
    });

    quote! {
        #constants

        #[automatically_derived]
        impl #impl_generics ::tp_runtime::Module for #ident #type_generics #where_clause {
            const NODE: &'static ::tp_runtime::plan::Node = &::tp_runtime::plan::Node {
                type_name: #type_name,
                type_path: #type_path,
                kind: ::tp_runtime::plan::ModuleKind::Container,
                children: &[#(#children),*],
                flow: &[#(#stages),*],
            };

            fn visit<'visit>(
                &'visit self,
                path: &::tp_runtime::module::ModulePath,
                visitor: &mut dyn ::core::ops::FnMut(
                    &::tp_runtime::module::ModulePath,
                    &'visit dyn ::tp_runtime::module::Layer,
                ),
            ) {
                #(#visits)*
            }
        }
    }
}
