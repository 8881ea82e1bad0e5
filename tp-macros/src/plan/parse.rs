//! First stage: the table as it was written, every token with its span.
//!
//! A row that cannot be read is reported and skipped up to its comma, so that the rows after it
//! are read too.

use proc_macro2::TokenTree;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Ident, LitStr, Path, Token, Type, Visibility, parenthesized, token};

use crate::fault::Fault;
use crate::report::Report;

/// A table as written.
pub(super) struct RawPlan {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) model: Type,
    pub(super) alternate: Option<LitStr>,
    pub(super) rows: Vec<RawRow>,
}

/// A row as written.
pub(super) struct RawRow {
    pub(super) pattern: LitStr,
    pub(super) body: RawBody,
}

/// What stands right of the `=>`.
pub(super) enum RawBody {
    Include(Path),
    Cells(Vec<RawCell>),
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
        match row(input) {
            Ok(row) => plan.rows.push(row),
            Err(error) => {
                report.add(error);
                skip_row(input)?;
            }
        }
        if input.is_empty() {
            break;
        }
        if input.parse::<Option<Token![,]>>()?.is_none() {
            report.add(input.error(Fault::MissingComma));
            if !input.peek(LitStr) {
                skip_row(input)?;
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
    let plan = RawPlan {
        attributes: input.call(Attribute::parse_outer)?,
        visibility: input.parse()?,
        name: or(input, Fault::HeaderName)?,
        model: {
            or::<Token![for]>(input, Fault::HeaderModel)?;
            or(input, Fault::HeaderModel)?
        },
        alternate: match input.parse::<Option<Token![as]>>()? {
            Some(_) => Some(or(input, Fault::HeaderAlternate)?),
            None => None,
        },
        rows: Vec::new(),
    };
    if input.parse::<Option<Token![;]>>()?.is_none() {
        report.add(input.error(Fault::HeaderSemicolon));
    }
    Ok(plan)
}

fn row(input: ParseStream<'_>) -> syn::Result<RawRow> {
    let pattern: LitStr = or(input, Fault::RowPattern)?;
    or::<Token![=>]>(input, Fault::RowArrow)?;
    // A style is never followed by a name, an include always is.
    if input.peek(Ident) && input.peek2(Ident) && input.fork().parse::<Ident>()? == "include" {
        input.parse::<Ident>()?;
        let plan = or(input, Fault::IncludePlan)?;
        return Ok(RawRow {
            pattern,
            body: RawBody::Include(plan),
        });
    }
    let mut cells = vec![cell(input)?];
    while input.peek(Token![|]) {
        if cells.len() == 2 {
            return Err(input.error(Fault::ThirdColumn));
        }
        input.parse::<Token![|]>()?;
        cells.push(cell(input)?);
    }
    Ok(RawRow {
        pattern,
        body: RawBody::Cells(cells),
    })
}

fn cell(input: ParseStream<'_>) -> syn::Result<RawCell> {
    if input.parse::<Option<Token![_]>>()?.is_some() {
        return Ok(RawCell::Replicated);
    }
    let name = or(input, Fault::CellStyle)?;
    let mut arguments = Vec::new();
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        arguments.extend(content.parse_terminated(argument, Token![,])?);
    }
    Ok(RawCell::Style(RawStyle { name, arguments }))
}

fn argument(input: ParseStream<'_>) -> syn::Result<RawArgument> {
    let name = or(input, Fault::ArgumentName)?;
    or::<Token![:]>(input, Fault::ArgumentColon)?;
    let value = input.parse()?;
    Ok(RawArgument { name, value })
}

/// Parses a `T`, or reports what should stand here.
fn or<T: syn::parse::Parse>(input: ParseStream<'_>, fault: Fault) -> syn::Result<T> {
    let here = input.span();
    input.parse().map_err(|_| syn::Error::new(here, fault))
}

/// Drops tokens up to the comma that ends the row.
fn skip_row(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
