//! What to write for a layer so that layouts meet: what the table of rules has for it.

use super::activation::Producer;
use crate::{Argument, Makes, Placement, Reads, Rule, StyleKind, Text};

/// What to write for a layer.
#[derive(Clone, Copy)]
pub(super) enum Advice {
    /// Another layout of its style.
    Layout(Argument, Placement),
    /// Another style, with this output where it is not the style's default.
    Style(StyleKind, Option<Placement>),
    /// No style.
    Replicated,
}

impl Advice {
    /// What makes `layer` read what is placed as `found`, if something does.
    pub(super) const fn to_read(layer: &Producer, found: Placement) -> Option<Self> {
        if let Some(advice) = layout(layer, Argument::Input, found) {
            return Some(advice);
        }
        let rules = layer.kind.rules();
        let mut at = 0;
        while at < rules.len() {
            match rules[at].style {
                Some(style) if is_first(rules[at].inputs, found) => {
                    return Some(Self::Style(style, None));
                }
                None if !layer.kind.can_be_split() && can_read(&rules[at], found) => {
                    return Some(Self::Replicated);
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// What makes `layer` give what is placed as `wanted`, if something does.
    pub(super) const fn to_give(layer: &Producer, wanted: Placement) -> Option<Self> {
        if let Some(advice) = layout(layer, Argument::Output, wanted) {
            return Some(advice);
        }
        // A style that splits parameters is given to a layer that has none, not exchanged for another.
        if layer.style.is_some() && layer.kind.can_be_split() {
            return None;
        }
        let rules = layer.kind.rules();
        let mut at = 0;
        while at < rules.len() {
            let rule = &rules[at];
            if let Some(style) = rule.style {
                let gives = match (layer.style, rule.makes) {
                    (None, Makes::Placed(made)) => made.normalized(3).same(wanted),
                    (None, Makes::AsRead) => false,
                    (Some(_), _) => is_first(rule.outputs, wanted),
                };
                if gives {
                    return Some(Self::Style(style, None));
                }
                let takes_ids = matches!(rule.reads, Reads::Ids)
                    && is_first(rule.inputs, style.style().input.normalized(3));
                if takes_ids && is_among(rule.outputs, wanted) {
                    return Some(Self::Style(style, Some(wanted)));
                }
            }
            at += 1;
        }
        None
    }

    /// Appends the advice, in backticks.
    pub(super) const fn write(self, text: &mut Text) {
        text.push("`");
        match self {
            Self::Replicated => text.push("_"),
            Self::Layout(argument, placement) => pair(text, argument, placement),
            Self::Style(style, output) => {
                text.push(style.name());
                if let Some(placement) = output {
                    text.push("(");
                    pair(text, Argument::Output, placement);
                    text.push(")");
                }
            }
        }
        text.push("`");
    }
}

const fn pair(text: &mut Text, argument: Argument, placement: Placement) {
    text.push(argument.name());
    text.push(": ");
    text.push(placement.name());
}

/// Another layout of the layer's own style.
const fn layout(layer: &Producer, argument: Argument, wanted: Placement) -> Option<Advice> {
    let Some(style) = layer.style else {
        return None;
    };
    match layer.kind.rule(Some(style.kind)) {
        Some(rule) if is_among(rule.layouts(argument), wanted) => {
            Some(Advice::Layout(argument, wanted))
        }
        _ => None,
    }
}

const fn can_read(rule: &Rule, found: Placement) -> bool {
    matches!(rule.reads, Reads::Rows) && rule.reads.reading(found, Placement::Replicate, 3).is_ok()
}

const fn is_first(layouts: &[Placement], wanted: Placement) -> bool {
    !layouts.is_empty() && layouts[0].normalized(3).same(wanted)
}

const fn is_among(layouts: &[Placement], wanted: Placement) -> bool {
    let mut at = 0;
    while at < layouts.len() {
        if layouts[at].normalized(3).same(wanted) {
            return true;
        }
        at += 1;
    }
    false
}
