//! Whether a plan leaves no rank without a part of what it divides: `assert_shards!`.

use super::{Target, find};
use crate::Path;
use crate::lookup::{FoundRow, find_row};
use crate::pattern::same;
use crate::{Divided, Item, Mode, ModuleKind, Plan, Row, Size, Style, Text, Weight};

/// Panics unless `degree` ranks can hold what the plan gives them of a config of these sizes.
#[track_caller]
pub const fn shards(plan: &Plan, sizes: &[Size], degree: usize) {
    if let Err(error) = divide(plan, sizes, degree) {
        panic!("{}", error.message(plan, sizes, degree).as_str());
    }
}

/// Why ranks cannot hold what a plan gives them.
pub struct DivisionError<'a> {
    plan: &'a Plan,
    row: &'a Row,
    reason: Reason,
}

#[derive(Clone, Copy)]
enum Reason {
    /// A rank would hold nothing.
    Size(Size),
    /// The config says nothing of a size of this name.
    NoSize(&'static str),
    /// The model does not say what sizes the layer has.
    NoWeight,
    /// No rank at all.
    NoRank,
}

/// Looks for a row that divides what `degree` ranks cannot hold.
///
/// # Errors
/// The first such row.
pub const fn divide<'a>(
    plan: &'a Plan,
    sizes: &[Size],
    degree: usize,
) -> Result<(), DivisionError<'a>> {
    rows(None, plan, Path::ROOT, sizes, degree as i64)
}

/// A plan whose rows come before those of the plan it starts from.
struct Derived<'a> {
    plan: &'a Plan,
    /// How many segments lead to its model.
    start: usize,
    /// The one that comes before it in turn.
    before: Option<&'a Derived<'a>>,
}

/// Looks through the rows of `plan`, which stands at `prefix` and after the rows of `derived`.
const fn rows<'a>(
    derived: Option<&Derived>,
    plan: &'a Plan,
    prefix: Path,
    sizes: &[Size],
    degree: i64,
) -> Result<(), DivisionError<'a>> {
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) if is_replaced(derived, row, prefix) => Ok(()),
            Item::Row(row) => match reason(plan, row, sizes, degree) {
                Some(reason) => Err(DivisionError { plan, row, reason }),
                None => Ok(()),
            },
            Item::Include {
                prefix: inner,
                plan,
            } => rows(derived, plan, prefix.follow_to(inner), sizes, degree),
        };
        if found.is_err() {
            return found;
        }
        at += 1;
    }
    let Some(base) = plan.base else {
        return Ok(());
    };
    let derived = Derived {
        plan,
        start: prefix.length(),
        before: derived,
    };
    rows(Some(&derived), base, prefix, sizes, degree)
}

/// Whether a plan that comes first decides all that `row` names.
const fn is_replaced(mut derived: Option<&Derived>, row: &Row, prefix: Path) -> bool {
    while let Some(Derived {
        plan,
        start,
        before,
    }) = derived
    {
        let found = find_row(plan, &prefix.follow_to(row.pattern), *start);
        if matches!(found, Some(FoundRow { item: Some(_), .. })) {
            return true;
        }
        derived = *before;
    }
    false
}

const fn reason(plan: &Plan, row: &Row, sizes: &[Size], degree: i64) -> Option<Reason> {
    if degree < 1 {
        return Some(Reason::NoRank);
    }
    let Ok(Target::Layer(child)) = find(plan.node, row.pattern) else {
        return None;
    };
    let mut column = 0;
    while column < Mode::ALL.len() {
        if let Some(style) = row.style(Mode::ALL[column]) {
            let found = of_style(style, child.node.kind, child.weight, sizes, degree);
            if found.is_some() {
                return found;
            }
        }
        column += 1;
    }
    None
}

const fn of_style(
    style: Style,
    kind: ModuleKind,
    weight: Option<Weight>,
    sizes: &[Size],
    degree: i64,
) -> Option<Reason> {
    let Some(rule) = kind.rule(Some(style.kind)) else {
        return None;
    };
    let Some(dim) = rule.split() else {
        return None;
    };
    let names = match weight {
        Some(weight) if dim == 0 => weight.rows,
        Some(weight) => weight.columns,
        None => return Some(Reason::NoWeight),
    };
    let mut at = 0;
    while at < names.len() {
        match size(sizes, names[at]) {
            Some(size) if size.is_enough_for(degree) => {}
            Some(size) => return Some(Reason::Size(size)),
            None => return Some(Reason::NoSize(names[at])),
        }
        at += 1;
    }
    None
}

const fn size(sizes: &[Size], name: &str) -> Option<Size> {
    let mut at = 0;
    while at < sizes.len() {
        if same(sizes[at].name, name) {
            return Some(sizes[at]);
        }
        at += 1;
    }
    None
}

impl DivisionError<'_> {
    const fn message(&self, plan: &Plan, sizes: &[Size], degree: usize) -> Text {
        let mut text = Text::of(&["row \"", self.row.pattern, "\""]);
        if !same(self.plan.name, plan.name) {
            text.push(" of `");
            text.push(self.plan.name);
            text.push("`");
        }
        match self.reason {
            Reason::NoRank => {
                return Text::of(&["a model needs one rank at least: write `tp = 1`"]);
            }
            Reason::NoWeight => {
                text.push(" splits a layer whose sizes its model does not say: write ");
                text.push("`#[module(weight = [intermediate_size, hidden_size])]` on the field");
                return text;
            }
            Reason::NoSize(name) => {
                text.push(" divides `");
                text.push(name);
                text.push("`, of which the config's `sizes` says nothing: add it there");
                return text;
            }
            Reason::Size(size) => {
                text.push(" divides `");
                text.push(size.name);
                text.push("`, which is ");
                text.push_number(size.count as usize);
                text.push(", over ");
                text.push_number(degree);
                text.push(" ranks, and one would hold nothing");
            }
        }
        text.push(": degrees that work are ");
        self.push_degrees(plan, sizes, &mut text);
        text
    }

    /// The degrees that work, neighbours as `1 to 28`.
    const fn push_degrees(&self, plan: &Plan, sizes: &[Size], text: &mut Text) {
        let most = most(sizes);
        let (mut degree, mut first) = (1, true);
        while degree <= most {
            if divide(plan, sizes, degree).is_ok() {
                let start = degree;
                while degree < most && divide(plan, sizes, degree + 1).is_ok() {
                    degree += 1;
                }
                text.push(if first { "" } else { ", " });
                text.push_number(start);
                if degree > start {
                    text.push(if degree == start + 1 { ", " } else { " to " });
                    text.push_number(degree);
                }
                first = false;
            }
            degree += 1;
        }
    }
}

/// The most ranks that are tried for the list of degrees that work: one for each head.
const fn most(sizes: &[Size]) -> usize {
    let mut most = 1;
    let mut at = 0;
    while at < sizes.len() {
        let size = &sizes[at];
        if matches!(size.divided, Divided::Heads) && size.count as usize > most {
            most = size.count as usize;
        }
        at += 1;
    }
    if most > 1 { most } else { 64 }
}
