//! Second stage: a table whose rows have legal patterns, legal styles, and modules of their own.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{Attribute, Path, TypePath, Visibility};

use super::cell::{self, Column, Style};
use super::parse::{RawBody, RawPlan, RawRow};
use super::pattern::{self, Patterns};
use crate::fault::Fault;
use crate::report::Report;

/// A legal table.
pub(super) struct Table {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) name: Ident,
    pub(super) model: TypePath,
    pub(super) alternate: Option<String>,
    pub(super) base: Option<Path>,
    pub(super) items: Vec<Item>,
    pub(super) has_sequence_column: bool,
}

/// A line of the table after brace expansion.
pub(super) struct Item {
    pub(super) pattern: String,
    pub(super) optional: bool,
    pub(super) span: Span,
    pub(super) body: Body,
}

/// What an item does with the modules it names.
#[derive(Clone)]
pub(super) enum Body {
    Include(Path),
    Row {
        tensor_parallel: Option<Style>,
        sequence_parallel: SequenceCell,
    },
}

/// The right column.
#[derive(Clone)]
pub(super) enum SequenceCell {
    /// No `|`.
    Same,
    /// What was written right of the `|`.
    Own(Option<Style>),
}

pub(super) fn check(raw: RawPlan, report: &mut Report) -> Table {
    let alternate = raw.alternate.map(|name| {
        if name.value().is_empty() {
            report.at(&name, Fault::HeaderAlternate);
        }
        name.value()
    });
    if let (Some(base), None) = (&raw.base, &alternate) {
        let name = base.to_token_stream().to_string();
        report.at(base, Fault::HeaderBaseDefault { base: name });
    }
    let mut items = Vec::new();
    for row in &raw.rows {
        let body = body(row, report);
        match pattern::parse(&row.pattern.value()) {
            Ok(patterns) => add(&mut items, row, patterns, body, report),
            Err(fault) => report.at(&row.pattern, fault),
        }
    }
    let has_sequence_column = raw
        .rows
        .iter()
        .any(|row| matches!(row.body, RawBody::Cells(_, Some(_))));
    Table {
        attributes: raw.attributes,
        visibility: raw.visibility,
        name: raw.name,
        model: raw.model,
        alternate,
        base: raw.base,
        items,
        has_sequence_column,
    }
}

fn body(row: &RawRow, report: &mut Report) -> Body {
    match &row.body {
        RawBody::Include(plan) => Body::Include(plan.clone()),
        RawBody::Cells(left, right) => Body::Row {
            tensor_parallel: cell::check(left, Column::TensorParallel, report),
            sequence_parallel: match right {
                None => SequenceCell::Same,
                Some(cell) => {
                    SequenceCell::Own(cell::check(cell, Column::SequenceParallel, report))
                }
            },
        },
    }
}

/// Adds a row's items, unless another row names their modules.
fn add(items: &mut Vec<Item>, row: &RawRow, patterns: Patterns, body: Body, report: &mut Report) {
    let is_row = |body: &Body| matches!(body, Body::Row { .. });
    let Patterns { expanded, optional } = patterns;
    if optional && !is_row(&body) {
        report.at(&row.pattern, Fault::IncludeOptional);
    }
    for pattern in expanded {
        let other = items.iter().find(|other| {
            is_row(&body)
                && is_row(&other.body)
                && tp_plan::pattern::overlap(&other.pattern, &pattern)
        });
        match other.map(|other| other.pattern.clone()) {
            Some(other) if other == pattern => {
                report.at(&row.pattern, Fault::DuplicateRow { pattern });
            }
            Some(other) => report.at(&row.pattern, Fault::OverlappingRows { pattern, other }),
            None => {
                let (span, body) = (row.pattern.span(), body.clone());
                items.push(Item {
                    pattern,
                    optional,
                    span,
                    body,
                });
            }
        }
    }
}
