//! Which tensor of a checkpoint belongs to which parameter of a model.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::dtype::kind_of;
use super::reader::{Checkpoint, TensorInfo};
use crate::error::CheckpointError;
use crate::error::{Fault, Faults};
use crate::module::Rename;
use crate::module::ShardedParam;

/// Finds the tensor of each parameter, in the order of the parameters.
///
/// A tied parameter may be stored under any of its names, or under several; `renames` say what older
/// checkpoints call the parameters.
///
/// # Errors
/// If a parameter has no tensor, a tensor no parameter, or shapes or types differ; all at once.
pub(super) fn assign<'a>(
    checkpoint: &'a Checkpoint,
    params: &[ShardedParam<'_>],
    renames: &[Rename],
) -> Result<Vec<&'a str>, CheckpointError> {
    let known: HashSet<&str> = params.iter().flat_map(names).collect();
    let mut stored = HashMap::new();
    let mut extra: Vec<(&str, &TensorInfo)> = Vec::new();
    for (file_name, info) in checkpoint.tensors() {
        let name = Rename::apply(renames, file_name);
        if known.contains(name.as_str()) {
            // Where a tensor is stored under both its names, today's is the one.
            match stored.entry(name) {
                Entry::Vacant(entry) => drop(entry.insert((file_name, info))),
                Entry::Occupied(mut entry) if entry.key() == file_name => {
                    entry.insert((file_name, info));
                }
                Entry::Occupied(_) => {}
            }
        } else if !is_buffer(&name) {
            extra.push((file_name, info));
        }
    }
    let mut misfits = Vec::new();
    let mut sources = Vec::with_capacity(params.len());
    let mut missing = Vec::new();
    for named in params {
        match names(named).find_map(|name| stored.get(name)) {
            Some(&(name, info)) => {
                misfits.extend(misfit(named, name, info));
                sources.push(name);
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
        return Ok(sources);
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

/// Rotary frequencies, which checkpoints of early transformers releases hold and every model computes.
fn is_buffer(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

fn misfit(named: &ShardedParam<'_>, name: &str, info: &TensorInfo) -> Option<Fault> {
    let (name, file, expected) = (name.to_owned(), file_name(info), named.param.shape());
    if info.shape != expected {
        let (found, expected) = (info.shape.clone(), expected.to_vec());
        return Some(Fault::Shape {
            name,
            file,
            found,
            expected,
        });
    }
    let dtype = info.dtype;
    kind_of(dtype)
        .is_none()
        .then_some(Fault::Dtype { name, file, dtype })
}

fn file_name(info: &TensorInfo) -> String {
    info.file
        .file_name()
        .unwrap_or(info.file.as_os_str())
        .to_string_lossy()
        .into_owned()
}
