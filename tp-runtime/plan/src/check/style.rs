//! A style fits the kind of module its row names.

use super::Named;
use crate::{Mode, ModuleKind, Placement, Style, StyleKind, Text};

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
    if !style.kind.fits(kind) {
        return Err(unfit(style.kind, kind, pattern));
    }
    let takes_ids = matches!(kind, ModuleKind::Embedding);
    if takes_ids && !style.input.same(Placement::Replicate) {
        let name = style.kind.name();
        return Err(Text::of(&[
            "\"",
            pattern,
            "\" is an embedding, whose ids every rank needs: write `",
            name,
            "(input: Replicate)`",
        ]));
    }
    let argument = match style {
        Style {
            share_heads: true, ..
        } => "share_heads",
        Style {
            segments: [_, ..], ..
        } => "segments",
        _ => return Ok(()),
    };
    if matches!(kind, ModuleKind::Linear) {
        return Ok(());
    }
    Err(Text::of(&[
        "`",
        argument,
        "` is for a linear layer, and \"",
        pattern,
        "\" is ",
        kind.name(),
        ": remove it",
    ]))
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
    let mut first = true;
    let mut at = 0;
    while at < StyleKind::ALL.len() {
        if StyleKind::ALL[at].fits(kind) {
            text.push(if first { "`" } else { " or `" });
            text.push(StyleKind::ALL[at].name());
            text.push("`");
            first = false;
        }
        at += 1;
    }
    text
}
