//! Which tensor of a checkpoint belongs to which parameter of a model.

use std::collections::HashSet;

use super::dtype::kind_of;
use super::error::CheckpointError;
use super::faults::{Fault, Faults};
use super::open::{Checkpoint, TensorInfo};
use crate::module::NamedParam;

/// Finds the tensor of each parameter, in the order of the parameters.
///
/// A tied parameter may be stored under any of its names, or under several.
///
/// # Errors
/// If a parameter has no tensor, a tensor no parameter, or shapes or types differ; all at once.
pub(super) fn assign<'a>(
    checkpoint: &Checkpoint,
    params: &'a [NamedParam<'_>],
) -> Result<Vec<&'a str>, CheckpointError> {
    let mut faults = Vec::new();
    let mut sources = Vec::with_capacity(params.len());
    for named in params {
        let stored = names(named).find_map(|name| Some((name, checkpoint.tensor(name)?)));
        match stored {
            Some((name, info)) => {
                faults.extend(misfit(named, name, info));
                sources.push(name);
            }
            None => {
                let stored = checkpoint.tensors().map(|(name, _)| name);
                let nearest = nearest(&named.name, stored);
                faults.push(Fault::Missing {
                    name: named.name.clone(),
                    nearest,
                });
            }
        }
    }
    let known: HashSet<&str> = params.iter().flat_map(names).collect();
    for (name, info) in checkpoint.tensors() {
        if !known.contains(name) && !is_buffer(name) {
            let nearest = nearest(name, params.iter().map(|named| &named.name));
            faults.push(Fault::Extra {
                name: name.to_owned(),
                file: file_name(info),
                nearest,
            });
        }
    }
    if faults.is_empty() {
        return Ok(sources);
    }
    Err(CheckpointError::Misfit {
        dir: checkpoint.dir().to_owned(),
        faults: Faults(faults),
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

fn names<'a>(named: &'a NamedParam<'_>) -> impl Iterator<Item = &'a str> {
    std::iter::once(&named.name)
        .chain(&named.tied)
        .map(String::as_str)
}

/// Rotary frequencies, which checkpoints of early transformers releases hold and every model computes.
fn is_buffer(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

fn misfit(named: &NamedParam<'_>, name: &str, info: &TensorInfo) -> Option<Fault> {
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
