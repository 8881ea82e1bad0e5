//! First stage: fields and attributes as they were written.

use proc_macro2::Ident;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Lit, LitStr, Meta, Token, Type,
    parenthesized, token,
};

use crate::fault::Fault;
use crate::report::Report;

/// A struct as written.
#[derive(Default)]
pub(super) struct RawModule {
    /// What it is called instead of the struct's name.
    pub(super) name: Option<Expr>,
    pub(super) fields: Vec<RawField>,
    pub(super) flow: Vec<RawStage>,
}

/// A field as written.
pub(super) struct RawField {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) skip: bool,
    pub(super) rename: Option<LitStr>,
    pub(super) weight: Option<RawWeight>,
}

/// The names of a weight's sizes: `[rows, columns]`, each a name or `(q, k, v)`.
pub(super) struct RawWeight(pub(super) [Vec<String>; 2]);

/// One stage between two arrows.
pub(super) enum RawStage {
    Feed(Vec<RawBranch>),
    Residual,
}

/// Children that feed one another: `a`, or `(a -> b)`.
pub(super) struct RawBranch(pub(super) Vec<Ident>);

pub(super) fn parse(input: &DeriveInput, report: &mut Report) -> RawModule {
    let name = name(&input.attrs, report);
    let flow = flow(&input.attrs, report);
    let Data::Struct(data) = &input.data else {
        report.at(&input.ident, Fault::DeriveEnum);
        return RawModule::default();
    };
    let Fields::Named(fields) = &data.fields else {
        report.at(&input.ident, Fault::DeriveUnnamed);
        return RawModule::default();
    };
    let fields = fields
        .named
        .iter()
        .filter_map(|field| self::field(field, report))
        .collect();
    RawModule { name, fields, flow }
}

fn name(attributes: &[Attribute], report: &mut Report) -> Option<Expr> {
    let mut name = None;
    for attribute in named(attributes, "module") {
        match attribute.parse_args() {
            Ok(Meta::NameValue(pair)) if pair.path.is_ident("name") => match name {
                None => name = Some(pair.value),
                Some(_) => report.at(
                    attribute,
                    Fault::ModuleKeyTwice {
                        key: "name".to_owned(),
                    },
                ),
            },
            _ => report.at(attribute, Fault::ModuleOnStruct),
        }
    }
    name
}

fn field(field: &syn::Field, report: &mut Report) -> Option<RawField> {
    for attribute in named(&field.attrs, "flow") {
        report.at(attribute, Fault::FlowOnField);
    }
    let mut raw = RawField {
        // Not of a name: rustc refuses that by itself.
        ident: field.ident.clone().filter(|ident| ident != "_")?,
        ty: field.ty.clone(),
        skip: false,
        rename: None,
        weight: None,
    };
    for attribute in named(&field.attrs, "module") {
        match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) {
            Ok(keys) => keys.iter().for_each(|key| raw.key(key, report)),
            Err(error) => report.add(error),
        }
    }
    Some(raw)
}

impl RawField {
    fn key(&mut self, key: &Meta, report: &mut Report) {
        let name = key
            .path()
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        match (name.as_str(), key) {
            ("skip", Meta::Path(_)) if self.skip => {
                report.at(key, Fault::ModuleKeyTwice { key: name });
            }
            ("skip", Meta::Path(_)) => self.skip = true,
            ("rename", _) if self.rename.is_some() => {
                report.at(key, Fault::ModuleKeyTwice { key: name });
            }
            ("rename", Meta::NameValue(pair)) => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => self.rename = Some(text.clone()),
                other => report.at(other, Fault::RenameValue),
            },
            ("rename", other) => report.at(other, Fault::RenameValue),
            ("weight", _) if self.weight.is_some() => {
                report.at(key, Fault::ModuleKeyTwice { key: name });
            }
            ("weight", Meta::NameValue(pair)) => match weight(&pair.value) {
                Some(weight) => self.weight = Some(weight),
                None => report.at(&pair.value, Fault::WeightValue),
            },
            ("weight", other) => report.at(other, Fault::WeightValue),
            (_, other) => {
                let found = quote::ToTokens::to_token_stream(other).to_string();
                report.at(other, Fault::ModuleKey { found });
            }
        }
    }
}

fn weight(value: &Expr) -> Option<RawWeight> {
    let Expr::Array(sizes) = value else {
        return None;
    };
    let mut sizes = sizes.elems.iter();
    match (sizes.next(), sizes.next(), sizes.next()) {
        (Some(rows), Some(columns), None) => Some(RawWeight([names(rows)?, names(columns)?])),
        _ => None,
    }
}

fn names(size: &Expr) -> Option<Vec<String>> {
    match size {
        Expr::Path(name) => Some(vec![name.path.get_ident()?.to_string()]),
        Expr::Tuple(segments) if !segments.elems.is_empty() => {
            let names = segments.elems.iter().map(names);
            Some(names.collect::<Option<Vec<_>>>()?.concat())
        }
        _ => None,
    }
}

fn flow(attributes: &[Attribute], report: &mut Report) -> Vec<RawStage> {
    let mut stages = Vec::new();
    for (index, attribute) in named(attributes, "flow").enumerate() {
        if index > 0 {
            report.at(attribute, Fault::FlowTwice);
            continue;
        }
        match attribute
            .parse_args_with(Punctuated::<RawStage, Token![->]>::parse_separated_nonempty)
        {
            Ok(parsed) => stages.extend(parsed),
            Err(error) => report.add(error),
        }
    }
    stages
}

impl Parse for RawStage {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.parse::<Option<Token![+]>>()?.is_some() {
            return Ok(Self::Residual);
        }
        Ok(Self::Feed(
            Punctuated::<RawBranch, Token![,]>::parse_separated_nonempty(input)?
                .into_iter()
                .collect(),
        ))
    }
}

impl Parse for RawBranch {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(token::Paren) {
            return Ok(Self(vec![input.parse()?]));
        }
        let content;
        parenthesized!(content in input);
        let chain = Punctuated::<Ident, Token![->]>::parse_separated_nonempty(&content)?;
        if !content.is_empty() {
            return Err(content.error(Fault::FlowChain));
        }
        Ok(Self(chain.into_iter().collect()))
    }
}

fn named<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name))
}
