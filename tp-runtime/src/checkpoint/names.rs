//! Which tensor of a checkpoint belongs to which parameter of a model.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::finding::Finding;
use super::load::LoadOptions;
use super::prefix::Prefix;
use super::reader::Checkpoint;
use super::stored::TensorInfo;
use crate::error::CheckpointError;
use crate::error::{Fault, Faults};
use crate::module::ShardedParam;

/// Where a parameter comes from.
#[derive(Clone, Debug)]
pub(super) enum Source<'a> {
    /// A tensor of the checkpoint, and those stored under further names of a tied parameter.
    Stored(&'a str, Vec<&'a str>),
    /// Random numbers: the checkpoint has another head.
    Fresh,
}

/// The source of each parameter, in the order of the parameters, and what is to be said of them.
pub(super) type Sources<'a> = (Vec<Source<'a>>, Vec<Finding>);

/// Finds the source of each parameter.
///
/// A tied parameter may be stored under any of its names, or under several.
///
/// # Errors
/// If a parameter has no tensor, a tensor no parameter, or shapes or types differ; all at once.
pub(super) fn assign<'a>(
    checkpoint: &'a Checkpoint,
    params: &[ShardedParam<'_>],
    options: &LoadOptions,
) -> Result<Sources<'a>, CheckpointError> {
    let (renames, head) = (options.renames, options.fresh_head);
    let known: HashSet<&str> = params.iter().flat_map(names).collect();
    let file_names = checkpoint.tensors().map(|(name, _)| name);
    let file_names: Vec<&str> = file_names.filter(|name| !is_buffer(name)).collect();
    let prefix = Prefix::find(&file_names, &known, renames);
    let mut stored = HashMap::new();
    let mut extra: Vec<(&str, &TensorInfo)> = Vec::new();
    let mut findings = Vec::new();
    for (file_name, info) in checkpoint.tensors() {
        let name = prefix.apply(file_name, &known, renames);
        if known.contains(name.as_str()) {
            // Where a tensor is stored under both its names, today's is the one.
            match stored.entry(name) {
                Entry::Vacant(entry) => drop(entry.insert((file_name, info))),
                Entry::Occupied(mut entry) if entry.key() == file_name => {
                    entry.insert((file_name, info));
                }
                Entry::Occupied(_) => {}
            }
        } else if head.replaces.contains(&name.as_str()) {
            let name = file_name.to_owned();
            findings.push(Finding::OtherHead { name });
        } else if !is_buffer(&name) {
            extra.push((file_name, info));
        }
    }
    if prefix != Prefix::default() {
        let Prefix { removed, added } = prefix;
        findings.push(Finding::Prefix { removed, added });
    }
    let mut misfits = Vec::new();
    let mut sources = Vec::with_capacity(params.len());
    let mut missing = Vec::new();
    for named in params {
        let mut found = names(named).filter_map(|name| stored.get(name).copied());
        match found.next() {
            Some((name, info)) => {
                let others: Vec<_> = found.collect();
                misfits.extend(misfit(checkpoint, named, name, info));
                let of_others = others
                    .iter()
                    .filter_map(|&(other, info)| misfit(checkpoint, named, other, info));
                misfits.extend(of_others.map(|fault| fault.tied_to(name)));
                let others = others.into_iter().map(|(other, _)| other);
                sources.push(Source::Stored(name, others.collect()));
            }
            None if head.parameters.contains(&named.name.as_str()) => {
                findings.push(Finding::Fresh {
                    name: named.name.clone(),
                    seed: options.seed,
                });
                sources.push(Source::Fresh);
            }
            None => missing.push(named.name.as_str()),
        }
    }
    // A name without a partner is likeliest meant for one on the other side that has none either.
    let missing_faults = missing.iter().map(|&name| Fault::Missing {
        name: name.to_owned(),
        nearest: nearest(name, extra.iter().map(|(name, _)| name)),
    });
    let extra_faults = extra.iter().map(|&(name, info)| Fault::Extra {
        name: name.to_owned(),
        file: file_name(info),
        nearest: nearest(name, &missing),
    });
    let count = misfits.len() + missing.len() + extra.len();
    if count == 0 {
        return Ok((sources, findings));
    }
    let faults = misfits
        .into_iter()
        .chain(missing_faults)
        .chain(extra_faults);
    Err(CheckpointError::Misfit {
        dir: checkpoint.dir().to_owned(),
        faults: Faults::new(faults, count),
    })
}

/// The name most like `name`, if any is like it.
pub(super) fn nearest<S: AsRef<str>>(
    name: &str,
    candidates: impl IntoIterator<Item = S>,
) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::levenshtein(name, candidate.as_ref()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance * 3 <= name.len())
        .map(|(_, candidate)| candidate.as_ref().to_owned())
}

fn names<'a>(named: &'a ShardedParam<'_>) -> impl Iterator<Item = &'a str> {
    std::iter::once(&named.name)
        .chain(&named.tied)
        .map(String::as_str)
}

/// What checkpoints of early transformers releases hold and every model computes: rotary frequencies, and the
/// numbers of positions.
fn is_buffer(name: &str) -> bool {
    [".rotary_emb.inv_freq", ".position_ids"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn misfit(
    checkpoint: &Checkpoint,
    named: &ShardedParam<'_>,
    name: &str,
    info: &TensorInfo,
) -> Option<Fault> {
    let (file, expected) = (file_name(info), named.param.shape());
    let is_weight = checkpoint.is_weight(name);
    let name = name.to_owned();
    if info.shape != expected {
        let (found, expected) = (info.shape.clone(), expected.to_vec());
        return Some(Fault::Shape {
            name,
            file,
            found,
            expected,
            tied_to: None,
        });
    }
    let dtype = info.dtype;
    (!is_weight).then_some(Fault::Dtype { name, file, dtype })
}

fn file_name(info: &TensorInfo) -> String {
    info.file
        .file_name()
        .unwrap_or(info.file.as_os_str())
        .to_string_lossy()
        .into_owned()
}
