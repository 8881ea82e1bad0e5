//! A style from its class in Python and the keywords it is given.

use super::error::EntryErrorKind;
use super::expression::Expression;
use super::lasting;
use crate::plan::nearest::nearest;
use crate::plan::python::{CLASSES, DESIRED_INPUT};
use crate::plan::{Argument, ArgumentValue, Placement, Style, StyleKind};

/// The style of the class `name` with arguments, of which one given by position has no keyword.
///
/// # Errors
/// When there is no such style, or it cannot have an argument.
pub(super) fn read(
    name: &str,
    arguments: Vec<(Option<String>, Expression)>,
) -> Result<Style, EntryErrorKind> {
    let Some(class) = CLASSES.iter().find(|class| class.name == name) else {
        let known = CLASSES.map(|class| class.name);
        return Err(EntryErrorKind::Style {
            found: name.to_owned(),
            near: nearest(name, known),
            known: known.to_vec(),
        });
    };
    let kind = class.style;
    // What `output_layouts` implies for `local` in a table, it does not imply in Python.
    let mut style = kind.style();
    let mut local = style.local;
    for (keyword, value) in &arguments {
        let keyword = keyword.as_deref().unwrap_or_default();
        let given = Given::new(kind, keyword, value)?;
        style = match given.argument {
            Argument::Input if keyword == DESIRED_INPUT => {
                given.placement(kind.desired_input().as_slice())?;
                style
            }
            Argument::Input => style.input(given.layout()?),
            Argument::Output => style.output(given.layout()?),
            Argument::Sequence => style.sequence(given.layout()?),
            Argument::Segments => style.segments(given.names()?),
            Argument::Local => {
                local = given.flag()?;
                style
            }
        };
    }
    if !style.segments.is_empty() && style.output == Placement::Replicate {
        let keyword = Argument::Output.python().attribute;
        let legal = [kind.style().output];
        return Err(illegal(
            kind,
            Argument::Output,
            keyword,
            style.output,
            &legal,
        ));
    }
    Ok(style.local(local))
}

/// An argument that a style takes, as it is given.
struct Given<'a> {
    style: StyleKind,
    argument: Argument,
    keyword: &'a str,
    value: &'a Expression,
}

impl<'a> Given<'a> {
    fn new(
        style: StyleKind,
        keyword: &'a str,
        value: &'a Expression,
    ) -> Result<Self, EntryErrorKind> {
        let argument = match style.desired_input() {
            Some(_) if keyword == DESIRED_INPUT => Some(Argument::Input),
            _ => style.arguments().find(|taken| taken.python().is(keyword)),
        };
        match argument {
            Some(argument) => Ok(Self {
                style,
                argument,
                keyword,
                value,
            }),
            None => Err(EntryErrorKind::Argument {
                style: style.python().name,
                found: keyword.to_owned(),
                takes: keywords(style),
            }),
        }
    }

    /// One of the layouts that the style's argument may have.
    fn layout(&self) -> Result<Placement, EntryErrorKind> {
        self.placement(&self.style.layouts(self.argument))
    }

    fn placement(&self, legal: &[Placement]) -> Result<Placement, EntryErrorKind> {
        let Some(found) = placement(self.argument, self.value) else {
            return Err(self.not("layout: write `Replicate()` or `Shard(1)`"));
        };
        match legal.contains(&found) {
            true => Ok(found),
            false => Err(illegal(
                self.style,
                self.argument,
                self.keyword,
                found,
                legal,
            )),
        }
    }

    fn flag(&self) -> Result<bool, EntryErrorKind> {
        match self.value {
            Expression::Flag(flag) => Ok(*flag),
            _ => Err(self.not("flag: write `True` or `False`")),
        }
    }

    fn names(&self) -> Result<&'static [&'static str], EntryErrorKind> {
        let no_names = || self.not("list of segments: write `[\"q\", \"k\", \"v\"]`");
        let Expression::Tuple(items) = self.value else {
            return Err(no_names());
        };
        let names = items.iter().map(|item| match item {
            Expression::Call { name, arguments } if arguments.is_empty() => Ok(lasting::text(name)),
            _ => Err(no_names()),
        });
        Ok(lasting::list(names.collect::<Result<_, _>>()?))
    }

    fn not(&self, expected: &'static str) -> EntryErrorKind {
        EntryErrorKind::ArgumentValue {
            argument: self.keyword.to_owned(),
            expected,
        }
    }
}

/// What a style takes in a Python plan.
fn keywords(style: StyleKind) -> Vec<&'static str> {
    let mut keywords = Vec::new();
    for argument in style.arguments() {
        let keyword = argument.python();
        keywords.extend(keyword.parameter.filter(|name| *name != keyword.attribute));
        keywords.push(keyword.attribute);
    }
    keywords.extend(style.desired_input().map(|_| DESIRED_INPUT));
    keywords
}

/// `Replicate()`, `Shard(1)`, either in a tuple of one, or the bare dimension of a sequence.
fn placement(argument: Argument, value: &Expression) -> Option<Placement> {
    match value {
        Expression::Tuple(items) => match &items[..] {
            [one] => placement(argument, one),
            _ => None,
        },
        Expression::Number(dim) if argument == Argument::Sequence => Some(Placement::Shard(*dim)),
        Expression::Call { name, arguments } => match (name.as_str(), &arguments[..]) {
            ("Replicate", []) => Some(Placement::Replicate),
            ("Partial", []) => Some(Placement::Partial),
            ("Shard", [(name, Expression::Number(dim))])
                if name.as_ref().is_none_or(|name| name == "dim") =>
            {
                Some(Placement::Shard(*dim))
            }
            _ => None,
        },
        _ => None,
    }
}

fn illegal(
    style: StyleKind,
    argument: Argument,
    keyword: &str,
    found: Placement,
    legal: &[Placement],
) -> EntryErrorKind {
    let given = |placement: Placement| {
        let value = Expression::of(argument, ArgumentValue::Placement(placement));
        format!("{keyword}={value}")
    };
    EntryErrorKind::Layout {
        style: style.python().name,
        found: given(found),
        legal: legal.iter().copied().map(given).collect(),
    }
}
