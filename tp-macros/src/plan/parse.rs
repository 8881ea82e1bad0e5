//! First stage: the table as it was written, every token with its span.
//!
//! A row that cannot be read is reported and skipped up to its comma, so that the rows after it
//! are read too.

use proc_macro2::TokenTree;
use syn::parse::ParseStream;
use syn::{
    Attribute, Expr, Ident, LitStr, Path, Token, TypePath, Visibility, parenthesized, token,
};

use crate::fault::Fault;
use crate::report::Report;

/// A table as written.
pub(super) struct RawPlan {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) model: TypePath,
    pub(super) alternate: Option<LitStr>,
    /// The plan that a derived one starts from.
    pub(super) base: Option<Path>,
    pub(super) rows: Vec<RawRow>,
}

/// A row as written.
pub(super) struct RawRow {
    pub(super) pattern: LitStr,
    pub(super) body: RawBody,
}

/// What stands right of the `=>`: a plan, or one or two columns.
pub(super) enum RawBody {
    Include(Path),
    Cells(RawCell, Option<RawCell>),
}

/// One column of a row.
pub(super) enum RawCell {
    Replicated,
    Style(RawStyle),
}

/// A style with its arguments.
pub(super) struct RawStyle {
    pub(super) name: Ident,
    pub(super) arguments: Vec<RawArgument>,
}

/// One `name: value`.
pub(super) struct RawArgument {
    pub(super) name: Ident,
    pub(super) value: Expr,
}

/// # Errors
/// A header that cannot be read: without a name there is nothing to expand.
pub(super) fn parse(input: ParseStream<'_>, report: &mut Report) -> syn::Result<RawPlan> {
    let mut plan = header(input, report)?;
    while !input.is_empty() {
        match row(input, report) {
            Ok(row) => plan.rows.push(row),
            Err(error) => {
                report.add(error);
                skip_to(input, |input| input.peek(Token![,]))?;
            }
        }
        if input.is_empty() {
            break;
        }
        if input.parse::<Option<Token![,]>>()?.is_none() {
            report.add(input.error(Fault::MissingComma));
            if !input.peek(LitStr) {
                skip_to(input, |input| input.peek(Token![,]))?;
                input.parse::<Option<Token![,]>>()?;
            }
        }
    }
    if plan.rows.is_empty() && report.is_empty() {
        report.at(&plan.name, Fault::EmptyTable);
    }
    Ok(plan)
}

fn header(input: ParseStream<'_>, report: &mut Report) -> syn::Result<RawPlan> {
    let attributes = input.call(Attribute::parse_outer)?;
    let visibility = input.parse()?;
    let name = or(input, Fault::HeaderName)?;
    or::<Token![for]>(input, Fault::HeaderModel)?;
    let model = or(input, Fault::HeaderModel)?;
    let mut alternate = None;
    if input.parse::<Option<Token![as]>>()?.is_some() {
        match or(input, Fault::HeaderAlternate) {
            Ok(name) => alternate = Some(name),
            Err(error) => {
                report.add(error);
                skip_to(input, |input| input.peek(Token![;]))?;
            }
        }
    }
    let base = match base(input) {
        Ok(base) => base,
        Err(error) => {
            report.add(error);
            skip_to(input, |input| input.peek(Token![;]))?;
            None
        }
    };
    if input.parse::<Option<Token![;]>>()?.is_none() {
        report.add(input.error(Fault::HeaderSemicolon));
    }
    Ok(RawPlan {
        attributes,
        visibility,
        name,
        model,
        alternate,
        base,
        rows: Vec::new(),
    })
}

/// `, from BASE`
fn base(input: ParseStream<'_>) -> syn::Result<Option<Path>> {
    if input.parse::<Option<Token![,]>>()?.is_none() {
        return Ok(None);
    }
    let word: Ident = or(input, Fault::HeaderBase)?;
    if word != "from" {
        return Err(syn::Error::new(word.span(), Fault::HeaderBase));
    }
    or(input, Fault::HeaderBase).map(Some)
}

fn row(input: ParseStream<'_>, report: &mut Report) -> syn::Result<RawRow> {
    let pattern: LitStr = or(input, Fault::RowPattern)?;
    or::<Token![=>]>(input, Fault::RowArrow)?;
    if input.peek(Ident) && input.fork().parse::<Ident>()? == "include" {
        input.parse::<Ident>()?;
        let plan = or(input, Fault::IncludePlan)?;
        let body = RawBody::Include(plan);
        return Ok(RawRow { pattern, body });
    }
    let left = cell(input, report)?;
    let mut right = None;
    if input.parse::<Option<Token![|]>>()?.is_some() {
        right = Some(cell(input, report)?);
    }
    if input.peek(Token![|]) {
        return Err(input.error(Fault::ThirdColumn));
    }
    let body = RawBody::Cells(left, right);
    Ok(RawRow { pattern, body })
}

fn cell(input: ParseStream<'_>, report: &mut Report) -> syn::Result<RawCell> {
    if input.parse::<Option<Token![_]>>()?.is_some() {
        return Ok(RawCell::Replicated);
    }
    let name = or(input, Fault::CellStyle)?;
    let mut arguments = Vec::new();
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        arguments = self::arguments(&content, report)?;
    }
    Ok(RawCell::Style(RawStyle { name, arguments }))
}

fn arguments(input: ParseStream<'_>, report: &mut Report) -> syn::Result<Vec<RawArgument>> {
    let mut arguments = Vec::new();
    while !input.is_empty() {
        match argument(input) {
            Ok(argument) => arguments.push(argument),
            Err(error) => {
                report.add(error);
                skip_to(input, |input| input.peek(Token![,]))?;
            }
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(arguments)
}

fn argument(input: ParseStream<'_>) -> syn::Result<RawArgument> {
    let name: Ident = or(input, Fault::ArgumentForm)?;
    if !input.peek(Token![:]) {
        return Err(syn::Error::new(name.span(), Fault::ArgumentForm));
    }
    input.parse::<Token![:]>()?;
    let value = or(input, Fault::ArgumentForm)?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(input.error(Fault::ArgumentComma));
    }
    Ok(RawArgument { name, value })
}

/// Parses a `T`, or reports what should stand here.
fn or<T: syn::parse::Parse>(input: ParseStream<'_>, fault: Fault) -> syn::Result<T> {
    let here = input.span();
    input.parse().map_err(|_| syn::Error::new(here, fault))
}

/// Drops tokens up to the end or what `stop` sees.
fn skip_to(input: ParseStream<'_>, stop: impl Fn(ParseStream<'_>) -> bool) -> syn::Result<()> {
    while !input.is_empty() && !stop(input) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
