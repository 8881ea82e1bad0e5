//! A Python expression, such as `ColwiseParallel(output_layouts=Replicate())`.

use std::fmt;

use crate::plan::{Argument, ArgumentValue, Placement};

/// An expression that a plan may hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// `Name`, or `Name(…)` with its arguments; one given by position has no name.
    Call {
        name: String,
        arguments: Vec<(Option<String>, Expression)>,
    },
    /// A whole number.
    Number(i64),
    /// `True` or `False`.
    Flag(bool),
    /// `(a, b)`.
    Tuple(Vec<Expression>),
}

/// Reads a whole text; `None` where it is no such expression.
pub(super) fn parse(text: &str) -> Option<Expression> {
    let mut rest = text;
    let expression = expression(&mut rest)?;
    rest.trim().is_empty().then_some(expression)
}

fn expression(rest: &mut &str) -> Option<Expression> {
    if eat(rest, '(') {
        let mut items = Vec::new();
        while !eat(rest, ')') {
            items.push(expression(rest)?);
            if !eat(rest, ',') && !rest.starts_with(')') {
                return None;
            }
        }
        return Some(Expression::Tuple(items));
    }
    let word = word(rest)?;
    match word {
        "True" => return Some(Expression::Flag(true)),
        "False" => return Some(Expression::Flag(false)),
        _ => {}
    }
    if let Ok(number) = word.parse() {
        return Some(Expression::Number(number));
    }
    // `torch.distributed.tensor.Replicate` is `Replicate`.
    let name = word.rsplit('.').next().filter(|name| is_name(name))?;
    let arguments = match eat(rest, '(') {
        true => arguments(rest)?,
        false => Vec::new(),
    };
    Some(Expression::Call {
        name: name.to_owned(),
        arguments,
    })
}

/// Arguments up to the closing parenthesis.
fn arguments(rest: &mut &str) -> Option<Vec<(Option<String>, Expression)>> {
    let mut arguments = Vec::new();
    while !eat(rest, ')') {
        let mut ahead = *rest;
        let name = word(&mut ahead).filter(|name| is_name(name) && eat(&mut ahead, '='));
        if name.is_some() {
            *rest = ahead;
        }
        arguments.push((name.map(str::to_owned), expression(rest)?));
        if !eat(rest, ',') && !rest.starts_with(')') {
            return None;
        }
    }
    Some(arguments)
}

fn is_name(text: &str) -> bool {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    text.starts_with(is_start) && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A name with dots, or a number.
fn word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    *rest = after.trim_start();
    (!word.is_empty()).then_some(word)
}

fn eat(rest: &mut &str, token: char) -> bool {
    match rest.trim_start().strip_prefix(token) {
        Some(after) => {
            *rest = after.trim_start();
            true
        }
        None => false,
    }
}

impl Expression {
    /// The value of a style's argument.
    pub(super) fn of(argument: Argument, value: ArgumentValue) -> Self {
        let call = |name: &str, arguments| Self::Call {
            name: name.to_owned(),
            arguments,
        };
        match value {
            ArgumentValue::Flag(flag) => Self::Flag(flag),
            // `sequence_dim` is a dimension, where the others are placements.
            ArgumentValue::Placement(Placement::Shard(dim)) if argument == Argument::Sequence => {
                Self::Number(dim)
            }
            ArgumentValue::Placement(Placement::Shard(dim)) => {
                call("Shard", vec![(None, Self::Number(dim))])
            }
            ArgumentValue::Placement(whole) => call(&whole.to_string(), Vec::new()),
            ArgumentValue::Names(names) => {
                let names = names.iter().map(|name| call(name, Vec::new()));
                Self::Tuple(names.collect())
            }
        }
    }
}

/// As Python reads it.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |items: Vec<String>| format!("({})", items.join(", "));
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Flag(true) => f.write_str("True"),
            Self::Flag(false) => f.write_str("False"),
            Self::Tuple(items) => f.write_str(&listed(items.iter().map(Self::to_string).collect())),
            Self::Call { name, arguments } => {
                let argument = |(name, value): &(Option<String>, Self)| match name {
                    Some(name) => format!("{name}={value}"),
                    None => value.to_string(),
                };
                let arguments = listed(arguments.iter().map(argument).collect());
                write!(f, "{name}{arguments}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &[(Option<&str>, Expression)]) -> Expression {
        let arguments = arguments.iter();
        Expression::Call {
            name: name.to_owned(),
            arguments: arguments
                .map(|(name, value)| (name.map(str::to_owned), value.clone()))
                .collect(),
        }
    }

    #[test]
    fn a_style_as_written_and_as_pytorch_prints_it() {
        let shard = |name| call("Shard", &[(name, Expression::Number(-1))]);
        assert_eq!(
            parse("ColwiseParallel( output_layouts = Shard(-1), use_local_output=False, )"),
            Some(call(
                "ColwiseParallel",
                &[
                    (Some("output_layouts"), shard(None)),
                    (Some("use_local_output"), Expression::Flag(false)),
                ]
            ))
        );
        assert_eq!(
            parse("style.ColwiseParallel(output_layouts=(Shard(dim=-1),))"),
            Some(call(
                "ColwiseParallel",
                &[(
                    Some("output_layouts"),
                    Expression::Tuple(vec![shard(Some("dim"))])
                )]
            ))
        );
        assert_eq!(
            parse("SequenceParallel"),
            Some(call("SequenceParallel", &[]))
        );
    }

    #[test]
    fn half_a_text_is_no_expression() {
        for text in [
            "",
            "Shard(",
            "Shard(1",
            "Shard(1))",
            "Shard(1) Shard(1)",
            "Shard(=1)",
            "(Shard(1)",
            "a b",
            "1.5",
            "Shard(dim=)",
            "é(",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
