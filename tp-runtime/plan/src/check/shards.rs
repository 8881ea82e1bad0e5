//! Whether a plan divides the sizes of a config evenly enough: `assert_shards!`.

use super::{Target, find};
use crate::Path;
use crate::lookup::find_row;
use crate::pattern::same;
use crate::{Item, Mode, ModuleKind, Plan, Row, Size, Style, Text, Weight};

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
    /// Heads would be cut, or a rank would hold nothing.
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
    rows(plan, plan, Path::ROOT, sizes, degree as i64)
}

/// Looks through the rows of `plan`, which stands at `prefix` of the plan that is asked about.
const fn rows<'a>(
    asked: &Plan,
    plan: &'a Plan,
    prefix: Path,
    sizes: &[Size],
    degree: i64,
) -> Result<(), DivisionError<'a>> {
    let mut at = 0;
    while at < plan.items.len() {
        let found = match &plan.items[at] {
            Item::Row(row) if is_replaced(asked, row, prefix) => Ok(()),
            Item::Row(row) => match reason(plan, row, sizes, degree) {
                Some(reason) => Err(DivisionError { plan, row, reason }),
                None => Ok(()),
            },
            Item::Include {
                prefix: inner,
                plan,
            } => rows(asked, plan, prefix.follow_to(inner), sizes, degree),
        };
        if found.is_err() {
            return found;
        }
        at += 1;
    }
    match plan.base {
        Some(base) => rows(asked, base, prefix, sizes, degree),
        None => Ok(()),
    }
}

/// Whether another row of a derived plan decides all that `row` names.
const fn is_replaced(asked: &Plan, row: &Row, prefix: Path) -> bool {
    if asked.base.is_none() {
        return false;
    }
    match find_row(asked, &prefix.follow_to(row.pattern), 0) {
        Some(found) => found.row.line != row.line || !same(found.row.pattern, row.pattern),
        None => false,
    }
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
            Some(size) if size.allows(degree, style.share_heads) => {}
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
                text.push(if size.is_heads {
                    " ranks"
                } else {
                    " ranks, and one would hold nothing"
                });
            }
        }
        text.push(": degrees that work are ");
        let mut other = 1;
        while other <= most(sizes) {
            if divide(plan, sizes, other).is_ok() {
                text.push(if other == 1 { "" } else { ", " });
                text.push_number(other);
            }
            other += 1;
        }
        text
    }
}

/// The most ranks that are tried for the list of degrees that work: one for each head.
const fn most(sizes: &[Size]) -> usize {
    let mut most = 1;
    let mut at = 0;
    while at < sizes.len() {
        if sizes[at].is_heads && sizes[at].count as usize > most {
            most = sizes[at].count as usize;
        }
        at += 1;
    }
    if most > 1 { most } else { 64 }
}
