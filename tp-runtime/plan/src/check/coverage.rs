//! Every layer that a style can split has a row: what is forgotten, every rank holds whole.

use super::sound::is_sound;
use crate::Path;
use crate::fingerprint::Fingerprint;
use crate::lookup::find_row;
use crate::{Arity, Item, ModuleKind, Node, Plan, Text};

/// Panics if a layer that some style splits, such as a linear one or an embedding, has no row.
///
/// A row that is `_` in both columns says that none is meant, for a layer or for all that a struct
/// holds. A plan with a row that is wrong by itself is passed
/// over: the row may be the one that is missed.
#[track_caller]
pub const fn covered(plan: &Plan) {
    let mut forgotten = Forgotten {
        layers: [(Path::ROOT, ModuleKind::Linear); Forgotten::SHOWN],
        count: 0,
    };
    search(plan, plan.node, Path::ROOT, &mut forgotten);
    if forgotten.count > 0 && is_sound(plan) {
        panic!("{}", forgotten.message(plan).as_str());
    }
}

/// Layers without a row.
struct Forgotten {
    /// The first of them.
    layers: [(Path<'static>, ModuleKind); Self::SHOWN],
    count: usize,
}

const fn search(plan: &Plan, node: &Node, path: Path<'static>, forgotten: &mut Forgotten) {
    match node.kind {
        ModuleKind::Container => {
            if is_settled(plan, &path) {
                return;
            }
            let mut at = 0;
            while at < node.children.len() {
                let child = &node.children[at];
                let path = path.child(child);
                match child.arity {
                    Arity::List if is_settled(plan, &path) => {}
                    Arity::List => search(plan, child.node, path.elements(), forgotten),
                    Arity::One | Arity::Optional => search(plan, child.node, path, forgotten),
                }
                at += 1;
            }
        }
        kind => {
            if kind.can_be_split() && find_row(plan, &path, 0).is_none() {
                forgotten.push(path, kind);
            }
        }
    }
}

/// Whether the table says of a whole struct that it stays whole, or includes a plan for it.
const fn is_settled(plan: &Plan, path: &Path) -> bool {
    let wanted = path.last.0;
    let mut at = 0;
    while at < plan.items.len() {
        let settled = match &plan.items[at] {
            Item::Row(row) => {
                let last = row.fingerprint.0;
                (last == wanted || last == Fingerprint::STAR.0)
                    && row.is_replicated()
                    && path.is_named_by(row.pattern, 0)
            }
            Item::Include { prefix, .. } => path.is_named_by(prefix, 0),
        };
        if settled {
            return true;
        }
        at += 1;
    }
    false
}

impl Forgotten {
    /// Enough to see what was missed.
    const SHOWN: usize = 4;

    const fn push(&mut self, path: Path<'static>, kind: ModuleKind) {
        if self.count < Self::SHOWN {
            self.layers[self.count] = (path, kind);
        }
        self.count += 1;
    }

    const fn message(&self, plan: &Plan) -> Text {
        let mut text = Text::of(&["no row names "]);
        let mut at = 0;
        while at < self.count && at < Self::SHOWN {
            if at > 0 {
                text.push(if at + 1 == self.count { " and " } else { ", " });
            }
            text.push("\"");
            self.layers[at].0.write(&mut text);
            text.push("\"");
            at += 1;
        }
        if self.count > Self::SHOWN {
            text.push(" and ");
            text.push_number(self.count - Self::SHOWN);
            text.push(" more");
        }
        let (first, kind) = &self.layers[0];
        if self.count == 1 {
            text.push(", ");
            text.push(kind.name());
            text.push(": give it a style, or write `\"");
        } else {
            text.push(": give each a style, or write `\"");
        }
        untouched(plan, first).write(&mut text);
        text.push("\" => _` to keep it whole on every rank");
        text
    }
}

/// The outermost module around a layer of which the table says nothing, or the layer.
const fn untouched(plan: &Plan, layer: &Path<'static>) -> Path<'static> {
    let mut length = 1;
    while length < layer.length() {
        let module = layer.up_to(length);
        let mut at = 0;
        while at < plan.items.len() && !module.leads_to(plan.items[at].pattern()) {
            at += 1;
        }
        if at == plan.items.len() {
            return module;
        }
        length += 1;
    }
    *layer
}
