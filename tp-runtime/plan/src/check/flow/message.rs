//! What is said of layouts that do not meet: both layers, and what to write for either.

use super::fault::Meeting;
use super::value::{Producer, Value, canonical};
use crate::{FEATURES, Mode, ModuleKind, Placement, StyleKind, Text};

/// `reader` cannot take `input`.
pub(super) const fn input(mode: Mode, reader: &Producer, input: &Value) -> Text {
    let found = lies(input);
    let mut text = opening(mode);
    text.push("\"");
    reader.path.write(&mut text);
    let wanted = match reader.style {
        Some(style) => {
            text.push("\" (`");
            text.push(style.kind.name());
            text.push("`) expects its input as `");
            text.push(style.input.name());
            text.push("`, but ");
            canonical(style.input)
        }
        None => {
            text.push("\" is replicated and needs every feature, but ");
            Placement::Replicate
        }
    };
    gives(&mut text, &input.producer, found);
    let ours = match reader.style {
        Some(style) => reads(style.kind, found),
        None if matches!(reader.kind, ModuleKind::Linear) && found.same(FEATURES) => {
            Some("Rowwise")
        }
        None => None,
    };
    advise(&mut text, reader, ours, &input.producer, wanted);
    text
}

/// `first` and `second` cannot be computed with element by element.
pub(super) const fn join(mode: Mode, meeting: Meeting, first: &Value, second: &Value) -> Text {
    let (left, right) = (lies(first), lies(second));
    let mut text = opening(mode);
    gives(&mut text, &first.producer, left);
    text.push(" and ");
    gives(&mut text, &second.producer, right);
    text.push(match meeting {
        Meeting::Residual => ", which are added",
        Meeting::Branches => ", which are computed with together",
    });
    let ours = writes(&second.producer, left);
    advise(&mut text, &second.producer, ours, &first.producer, right);
    text
}

/// Says what to write for one layer, or for the `other` so that it gives `wanted`.
const fn advise(
    text: &mut Text,
    one: &Producer,
    ours: Option<&str>,
    other: &Producer,
    wanted: Placement,
) {
    let mut before = ": write ";
    if let Some(ours) = ours {
        suggest(text, before, ours, one);
        before = ", or ";
    }
    if let Some(theirs) = writes(other, wanted) {
        suggest(text, before, theirs, other);
    }
}

const fn suggest(text: &mut Text, before: &str, words: &str, layer: &Producer) {
    text.push(before);
    text.push("`");
    text.push(words);
    text.push("` for \"");
    layer.path.write(text);
    text.push("\"");
}

/// What to write so that a layer of this style can read what lies as `found`.
const fn reads(kind: StyleKind, found: Placement) -> Option<&'static str> {
    use StyleKind::{Colwise, Rowwise, SequenceParallel, SequenceParallelAllGatherActivation};
    match (kind, found) {
        (Rowwise, Placement::Replicate) => Some("input: Replicate"),
        (Rowwise, Placement::Shard(-1)) => Some("input: Shard(-1)"),
        (Colwise, Placement::Shard(-1)) => Some("Rowwise"),
        (SequenceParallel | SequenceParallelAllGatherActivation, Placement::Replicate) => Some("_"),
        _ => None,
    }
}

/// What to write so that `layer` gives `wanted`.
const fn writes(layer: &Producer, wanted: Placement) -> Option<&'static str> {
    use StyleKind::{
        Colwise, Rowwise, SequenceParallel, SequenceParallelAllGatherActivation,
        VocabParallelEmbedding,
    };
    let kind = match layer.style {
        Some(style) => style.kind,
        None => {
            return match (layer.kind, wanted) {
                (ModuleKind::Linear, Placement::Shard(-1)) => Some("Colwise"),
                (ModuleKind::Embedding, Placement::Shard(1)) => {
                    Some("VocabParallelEmbedding(output: Shard(1))")
                }
                _ => None,
            };
        }
    };
    match (kind, wanted) {
        (Colwise | Rowwise | VocabParallelEmbedding, Placement::Replicate) => {
            Some("output: Replicate")
        }
        (Colwise, Placement::Shard(-1)) => Some("output: Shard(-1)"),
        (Rowwise | VocabParallelEmbedding, Placement::Shard(1)) => Some("output: Shard(1)"),
        (SequenceParallel, Placement::Replicate) => Some("SequenceParallelAllGatherActivation"),
        (SequenceParallelAllGatherActivation, Placement::Shard(1)) => Some("SequenceParallel"),
        _ => None,
    }
}

const fn opening(mode: Mode) -> Text {
    Text::of(&[match mode {
        Mode::TensorParallel => "",
        Mode::SequenceParallel => "with sequence parallelism, ",
    }])
}

const fn gives(text: &mut Text, producer: &Producer, placement: Placement) {
    text.push("\"");
    producer.path.write(text);
    text.push("\" gives `");
    text.push(placement.name());
    text.push("`");
}

/// How a value lies; what is unknown meets everything and is not told of.
const fn lies(value: &Value) -> Placement {
    match value.placement {
        Some(placement) => placement,
        None => Placement::Replicate,
    }
}
