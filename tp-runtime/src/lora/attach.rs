//! Adapters into the layers of a model, which holds no weights yet.

use std::collections::BTreeSet;

use super::LoraConfig;
use super::targets::ends_in;
use crate::error::LoraError;
use crate::module::{LowRank, NamedLayer};
use crate::plan::{LOW_RANK_DOWN, LOW_RANK_UP, ModuleKind};

/// Attaches an adapter to each layer that `config` is for, and freezes every parameter that is not trained.
///
/// # Errors
/// When a target is no linear layer, or nothing is adapted.
pub fn attach(layers: &[NamedLayer<'_>], config: &LoraConfig) -> Result<(), LoraError> {
    config.check()?;
    let matcher = config.targets.matcher()?;
    let mut adapted = 0;
    for NamedLayer { path, layer } in layers {
        let is_linear = layer.kind() == ModuleKind::Linear;
        if !matcher.matches(path.as_str()) || !(is_linear || config.targets.is_named()) {
            continue;
        }
        let weight = layer
            .parameters()
            .into_iter()
            .find(|(leaf, _)| *leaf == "weight");
        let (Some(slot), Some((_, weight))) = (layer.low_rank(), weight) else {
            return Err(LoraError::NotLinear {
                layer: path.to_string(),
                kind: layer.kind().name(),
            });
        };
        let adapter = LowRank::new(weight, config.rank, config.scale(), config.dropout);
        if !slot.attach(adapter) {
            let layer = path.to_string();
            return Err(LoraError::Twice { layer });
        }
        adapted += 1;
    }
    if adapted == 0 {
        let targets = config.targets.to_string();
        return Err(LoraError::NothingAdapted { targets });
    }
    freeze(layers, config);
    Ok(())
}

/// Whether every name of `config` is one of the model's, as a person who asks for an adapter means it. Files of PEFT
/// may name what other models have.
///
/// # Errors
/// When a name of a target, or of a module that is trained whole, fits no layer.
pub fn check_names(layers: &[NamedLayer<'_>], config: &LoraConfig) -> Result<(), LoraError> {
    let mut names = config.targets.names().iter().chain(&config.whole);
    let is_known = |name: &str| {
        layers
            .iter()
            .any(|layer| is_inside(layer.path.as_str(), name))
    };
    match names.find(|name| !is_known(name)) {
        Some(name) => Err(LoraError::NoLayer {
            name: name.clone(),
            known: last_names(layers),
        }),
        None => Ok(()),
    }
}

/// Freezes all but adapters and what is trained whole.
fn freeze(layers: &[NamedLayer<'_>], config: &LoraConfig) {
    let is_whole = |path: &str| config.whole.iter().any(|name| is_inside(path, name));
    // A tied parameter is trained where any of its layers is.
    let (trained, frozen): (Vec<_>, Vec<_>) = layers
        .iter()
        .partition(|layer| is_whole(layer.path.as_str()));
    let trained: Vec<_> = trained
        .iter()
        .flat_map(|named| named.layer.parameters())
        .collect();
    for (leaf, param) in frozen.iter().flat_map(|named| named.layer.parameters()) {
        let is_tied = trained.iter().any(|(_, other)| other.is_tied_to(param));
        if ![LOW_RANK_DOWN, LOW_RANK_UP].contains(&leaf) && !is_tied {
            param.freeze();
        }
    }
}

/// Whether a layer at `path` is the module that `name` ends, or stands in it.
fn is_inside(path: &str, name: &str) -> bool {
    let ends = path.match_indices('.').map(|(end, _)| end);
    ends.chain([path.len()])
        .any(|end| ends_in(&path[..end], name))
}

/// What the layers are called, without where they stand.
fn last_names(layers: &[NamedLayer<'_>]) -> Vec<String> {
    let linear = layers
        .iter()
        .filter(|named| named.layer.low_rank().is_some());
    let names = linear.filter_map(|named| named.path.as_str().rsplit('.').next());
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().map(str::to_owned).collect()
}
