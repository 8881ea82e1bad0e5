//! The message for layouts that do not meet: both layers, and what to write for either.

use super::activation::{Activation, Producer};
use super::advice::Advice;
use crate::flow::JoinKind;
use crate::{Mode, Placement, Text};

/// `reader` cannot take `input`.
pub(super) const fn input(mode: Mode, reader: &Producer, input: &Activation) -> Text {
    let found = placement(input);
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
            style.input.normalized(3)
        }
        None => {
            text.push("\" is replicated and needs every feature, but ");
            Placement::Replicate
        }
    };
    gives(&mut text, &input.producer, found);
    let ours = Advice::to_read(reader, found);
    advise(&mut text, reader, ours, &input.producer, wanted);
    text
}

/// `first` and `second` cannot be computed with element by element.
pub(super) const fn join(
    mode: Mode,
    kind: JoinKind,
    first: &Activation,
    second: &Activation,
) -> Text {
    let (left, right) = (placement(first), placement(second));
    let mut text = opening(mode);
    gives(&mut text, &first.producer, left);
    text.push(" and ");
    gives(&mut text, &second.producer, right);
    text.push(match kind {
        JoinKind::Residual => ", which are added",
        JoinKind::Branches => ", which are computed with together",
    });
    let ours = Advice::to_give(&second.producer, left);
    advise(&mut text, &second.producer, ours, &first.producer, right);
    text
}

/// Says what to write for one layer, or for the `other` so that it gives `wanted`.
const fn advise(
    text: &mut Text,
    one: &Producer,
    ours: Option<Advice>,
    other: &Producer,
    wanted: Placement,
) {
    let mut before = ": write ";
    if let Some(ours) = ours {
        suggest(text, before, ours, one);
        before = ", or ";
    }
    if let Some(theirs) = Advice::to_give(other, wanted) {
        suggest(text, before, theirs, other);
    }
}

const fn suggest(text: &mut Text, before: &str, advice: Advice, layer: &Producer) {
    text.push(before);
    advice.write(text);
    text.push(" for \"");
    layer.path.write(text);
    text.push("\"");
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

/// How an activation is placed; one that is unknown meets everything, so no message is about it.
const fn placement(activation: &Activation) -> Placement {
    match activation.layout {
        Some(layout) => layout.placement(),
        None => Placement::Replicate,
    }
}
