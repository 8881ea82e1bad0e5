//! What autograd saves of each kind of layer, as this project's layers are written over libtorch.

use super::Dtype;
use super::activations::{ActivationId, Activations, DIMENSIONS};
use super::layers::StyledLayer;
use super::view::Features;
use crate::module::{Initial, Param};
use crate::plan::{FEATURES, LOW_RANK_DOWN, ModuleKind, Placement};

/// Bytes of a 64-bit token id.
const ID: u64 = 8;
/// Bytes of a mask's element.
const BOOL: u64 = 1;

/// Notes what autograd saves when `layer` reads `input` placed as `read`.
pub(super) fn save(
    activations: &mut Activations,
    layer: &StyledLayer<'_>,
    input: ActivationId,
    read: Placement,
) {
    match layer.layer.kind() {
        ModuleKind::Embedding => embedding(activations, layer),
        ModuleKind::Norm => norm(activations, layer, input, read),
        ModuleKind::Linear => {
            before_linear(activations, layer, input, read);
            low_rank(activations, layer, read);
            let weight = layer.parameter("weight");
            let is_adapted = layer.parameter(LOW_RANK_DOWN).is_some();
            // The input is for the gradients of what is multiplied with it.
            if is_adapted || !weight.is_some_and(Param::is_frozen) {
                activations.save(input, read);
            }
            linear_backward(activations, layer, input, read);
        }
        _ => activations.save(input, read),
    }
}

/// The ids, and which of them other ranks have the rows of.
fn embedding(activations: &mut Activations, layer: &StyledLayer<'_>) {
    let is_masked = layer.resolved.rule.split() == Some(0);
    if is_masked && activations.ranks() > 1 {
        let tokens = activations.view.setup.batch * activations.view.setup.sequence;
        own(activations, tokens * (ID + BOOL));
    }
}

/// An RMS norm saves its input in f32, what it is scaled by, and the normalized input before its weight;
/// a layer norm, which has a bias, its input and two numbers a row.
fn norm(
    activations: &mut Activations,
    layer: &StyledLayer<'_>,
    input: ActivationId,
    read: Placement,
) {
    let width = layer
        .parameter("weight")
        .map_or(1, |weight| weight.shape()[0]);
    let bytes = rank_bytes(activations, activations.features(input), read);
    let elements = bytes / activations.view.setup.dtype.bytes();
    let rows = elements / width.max(1) as u64 * Dtype::F32.bytes();
    if layer.parameter("bias").is_some() {
        activations.save(input, read);
        return own(activations, 2 * rows);
    }
    let in_f32 = elements * Dtype::F32.bytes();
    // Of the output in both types, of the two factors, and one of these before it is summed.
    gradients(activations, bytes + 4 * in_f32);
    match activations.view.setup.dtype {
        Dtype::F32 => activations.save(input, read),
        Dtype::Bf16 => own(activations, in_f32),
    }
    // A scale of `1 + weight`, whose weight starts from zeros, is applied in f32.
    let is_offset =
        (layer.parameter("weight")).is_some_and(|weight| weight.starts_from() == Initial::Zeros);
    own(activations, rows + if is_offset { in_f32 } else { bytes });
}

/// What stands between the projections before and this linear layer, which a flow does not say: attention
/// where its input is heads, a gated activation where it reads two, an activation where it reads one that
/// another linear layer made.
fn before_linear(
    activations: &mut Activations,
    layer: &StyledLayer<'_>,
    input: ActivationId,
    read: Placement,
) {
    let features = activations.projections(input).to_vec();
    let bytes = |features| rank_bytes(activations, features, read);
    let heads = layer.parameter("weight").and_then(Param::heads);
    let (saved, of_gradients) = match (heads.filter(|heads| heads.dim == 1), &features[..]) {
        // Rotated queries and keys, values, and a logarithm for each head and token.
        (Some(heads), [query, ..]) => {
            let width = (query.count / heads.shares.count.max(1)).max(1) as u64;
            let logarithms = bytes(*query) / width / activations.view.setup.dtype.bytes();
            let projections = features.iter().map(|&projection| bytes(projection));
            let projections: u64 = projections.sum();
            (
                projections + logarithms * Dtype::F32.bytes(),
                projections + bytes(*query),
            )
        }
        // The gate before and after its activation, and what it is multiplied by.
        (None, [gate, up]) => (2 * bytes(*gate) + bytes(*up), bytes(*gate) + bytes(*up)),
        (None, [features]) => (bytes(*features), bytes(*features)),
        _ => (0, 0),
    };
    own(activations, saved);
    gradients(activations, of_gradients);
}

/// The few features that an adapter's B reads.
fn low_rank(activations: &mut Activations, layer: &StyledLayer<'_>, read: Placement) {
    let Some(down) = layer.parameter(LOW_RANK_DOWN) else {
        return;
    };
    // Every rank has all of them, whatever it has of the input's.
    let placement = match read.same(FEATURES.normalized(DIMENSIONS)) {
        true => Placement::Replicate,
        false => read,
    };
    let few = Features::plain(down.shape()[0]);
    own(activations, rank_bytes(activations, few, placement));
}

/// The gradients of the output, the input and the weight, which are there at once.
fn linear_backward(
    activations: &mut Activations,
    layer: &StyledLayer<'_>,
    input: ActivationId,
    read: Placement,
) {
    let view = activations.view;
    let Some((weight, (_, sharding))) = layer
        .parameter("weight")
        .zip(layer.resolved.parameters.first())
    else {
        return;
    };
    let shape = sharding.local_shape(weight.shape(), view.rank, view.ranks());
    let rows = rank_bytes(activations, activations.features(input), read)
        / view.setup.dtype.bytes()
        / shape[1].max(1) as u64;
    let of_weight = if weight.is_frozen() {
        0
    } else {
        shape[0] * shape[1]
    };
    let elements = (shape[0] + shape[1]) as u64 * rows + of_weight as u64;
    let bytes = elements * view.setup.dtype.bytes();
    gradients(activations, bytes);
}

fn gradients(activations: &mut Activations, bytes: u64) {
    let layer = activations.layer().cloned();
    activations.saved.gradients(layer.as_ref(), bytes);
}

fn own(activations: &mut Activations, bytes: u64) {
    let layer = activations.layer().cloned();
    activations.saved.own(layer, bytes);
}

fn rank_bytes(activations: &Activations, features: Features, placement: Placement) -> u64 {
    activations.view.activation_bytes(features, placement)
}
