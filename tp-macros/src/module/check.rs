//! Second stage: a module whose children have distinct names and whose flow names children.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Expr, Type};

use super::parse::{RawBranch, RawField, RawModule, RawStage, RawWeight};
use crate::fault::Fault;
use crate::report::Report;
use tp_plan::nearest::nearest;

/// A legal struct of modules.
pub(super) struct Module {
    pub(super) name: Option<Expr>,
    pub(super) children: Vec<Child>,
    pub(super) flow: Vec<Stage>,
}

/// A field that is a module.
pub(super) struct Child {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) name: String,
    /// The names of its weight's sizes, rows and columns.
    pub(super) weight: Option<[Vec<String>; 2]>,
}

/// A stage whose branches give children by their index.
pub(super) enum Stage {
    Feed(Vec<Vec<usize>>),
    Residual,
}

pub(super) fn check(raw: RawModule, report: &mut Report) -> Module {
    let flow = raw
        .flow
        .iter()
        .map(|stage| self::stage(stage, &raw.fields, report))
        .collect();
    let mut children: Vec<Child> = Vec::new();
    for field in raw.fields {
        if let (true, Some(rename)) = (field.skip, &field.rename) {
            report.at(rename, Fault::SkipAndRename);
        }
        if field.skip {
            continue;
        }
        let name = name(&field);
        if !is_segment(&name) {
            report.at(&field.rename, Fault::RenameSegment { name: name.clone() });
        }
        if children.iter().any(|other| other.name == name) {
            match &field.rename {
                Some(rename) => report.at(rename, Fault::SameName { name: name.clone() }),
                None => report.at(&field.ident, Fault::SameName { name: name.clone() }),
            }
        }
        children.push(Child {
            ident: field.ident,
            ty: field.ty,
            name,
            weight: field.weight.map(|RawWeight(sizes)| sizes),
        });
    }
    Module {
        name: raw.name,
        children,
        flow,
    }
}

fn stage(stage: &RawStage, fields: &[RawField], report: &mut Report) -> Stage {
    let RawStage::Feed(branches) = stage else {
        return Stage::Residual;
    };
    let branches = branches.iter().map(|raw| branch(raw, fields, report));
    Stage::Feed(branches.collect())
}

fn branch(branch: &RawBranch, fields: &[RawField], report: &mut Report) -> Vec<usize> {
    let children: Vec<&RawField> = fields.iter().filter(|field| !field.skip).collect();
    let mut chain = Vec::new();
    for ident in &branch.0 {
        if let Some(index) = children.iter().position(|child| child.ident == *ident) {
            chain.push(index);
            continue;
        }
        let found = ident.to_string();
        if fields.iter().any(|field| field.ident == *ident) {
            report.at(ident, Fault::FlowSkipped { name: found });
            continue;
        }
        let known: Vec<String> = children
            .iter()
            .map(|child| child.ident.to_string())
            .collect();
        let near = nearest(&found, known.iter().map(String::as_str)).map(str::to_owned);
        report.at(ident, Fault::FlowName { found, near });
    }
    chain
}

fn name(field: &RawField) -> String {
    match &field.rename {
        Some(rename) => rename.value(),
        None => field.ident.unraw().to_string(),
    }
}

fn is_segment(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
