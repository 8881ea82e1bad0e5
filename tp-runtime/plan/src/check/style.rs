//! A style fits the kind of module its row names.

use super::Named;
use crate::{Argument, Mode, ModuleKind, Placement, Reads, Style, StyleKind, Text};

/// Panics unless the style that the row has in `mode` fits the layers it names.
#[track_caller]
pub const fn fits(named: &Named<'_>, mode: Mode) {
    if let (Some(style), Some(kind)) = (named.row.style(mode), named.kind)
        && let Err(message) = suits(style, kind, named.row.pattern)
    {
        panic!("{}", message.as_str());
    }
}

/// The message if `style` cannot be given to a layer of this kind.
pub(super) const fn suits(style: Style, kind: ModuleKind, pattern: &str) -> Result<(), Text> {
    let Some(rule) = kind.rule(Some(style.kind)) else {
        return Err(unfit(style.kind, kind, pattern));
    };
    if !is_among(style.input, rule.inputs) {
        return Err(match rule.reads {
            Reads::Ids => needs_ids(style.kind, pattern),
            _ => illegal(style.kind, Argument::Input, rule.inputs, kind, pattern),
        });
    }
    // A sum that is still to be taken is for plans that no macro writes; the flow follows it.
    if !is_among(style.output, rule.outputs) && !matches!(style.output, Placement::Partial) {
        let argument = Argument::Output;
        return Err(illegal(style.kind, argument, rule.outputs, kind, pattern));
    }
    if !style.segments.is_empty() && !rule.takes(Argument::Segments) {
        return Err(not_taken(Argument::Segments, style.kind, kind, pattern));
    }
    Ok(())
}

const fn is_among(found: Placement, legal: &[Placement]) -> bool {
    let mut at = 0;
    while at < legal.len() {
        if legal[at].normalized(3).same(found.normalized(3)) {
            return true;
        }
        at += 1;
    }
    false
}

const fn needs_ids(style: StyleKind, pattern: &str) -> Text {
    Text::of(&[
        "\"",
        pattern,
        "\" is an embedding, whose ids every rank needs: write `",
        style.name(),
        "(input: Replicate)`",
    ])
}

const fn illegal(
    style: StyleKind,
    argument: Argument,
    legal: &[Placement],
    kind: ModuleKind,
    pattern: &str,
) -> Text {
    let mut text = Text::of(&["\"", pattern, "\" is ", kind.name(), ", whose `"]);
    text.push(style.name());
    text.push("` takes ");
    let mut at = 0;
    while at < legal.len() {
        text.push(if at > 0 { " or `" } else { "`" });
        text.push(argument.name());
        text.push(": ");
        text.push(legal[at].name());
        text.push("`");
        at += 1;
    }
    text
}

const fn not_taken(argument: Argument, style: StyleKind, kind: ModuleKind, pattern: &str) -> Text {
    let mut text = Text::of(&["`", argument.name(), "` is for "]);
    let mut first = true;
    let mut at = 0;
    while at < ModuleKind::LAYERS.len() {
        let other = ModuleKind::LAYERS[at];
        if let Some(rule) = other.rule(Some(style))
            && rule.takes(argument)
        {
            text.push(if first { "" } else { " or " });
            text.push(other.name());
            first = false;
        }
        at += 1;
    }
    text.push(", and \"");
    text.push(pattern);
    text.push("\" is ");
    text.push(kind.name());
    text.push(": remove it");
    text
}

const fn unfit(style: StyleKind, kind: ModuleKind, pattern: &str) -> Text {
    let mut text = Text::of(&["`", style.name(), "` fits "]);
    let mut first = true;
    let mut at = 0;
    while at < ModuleKind::LAYERS.len() {
        if style.fits(ModuleKind::LAYERS[at]) {
            text.push(if first { "" } else { " or " });
            text.push(ModuleKind::LAYERS[at].name());
            first = false;
        }
        at += 1;
    }
    text.push(", and \"");
    text.push(pattern);
    text.push("\" is ");
    text.push(kind.name());
    text.push(": write ");
    let rules = kind.rules();
    let mut first = true;
    let mut at = 0;
    while at < rules.len() {
        if let Some(style) = rules[at].style {
            text.push(if first { "`" } else { " or `" });
            text.push(style.name());
            text.push("`");
            first = false;
        }
        at += 1;
    }
    if first {
        text.push("`_`");
    }
    text
}
