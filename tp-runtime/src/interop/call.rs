//! A value written in Python, such as `ColwiseParallel(output_layouts=Replicate())`.

/// What such a text holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `Name`, or `Name(…)` with its arguments; one given by position has no name.
    Call {
        name: String,
        arguments: Vec<(Option<String>, Value)>,
    },
    /// A whole number.
    Number(i64),
    /// `True` or `False`.
    Flag(bool),
    /// `(a, b)`.
    Tuple(Vec<Value>),
}

/// Reads a whole text; `None` where it is no such value.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut rest = text;
    let value = value(&mut rest)?;
    rest.trim().is_empty().then_some(value)
}

fn value(rest: &mut &str) -> Option<Value> {
    if eat(rest, '(') {
        let mut values = Vec::new();
        while !eat(rest, ')') {
            values.push(value(rest)?);
            if !eat(rest, ',') && !rest.starts_with(')') {
                return None;
            }
        }
        return Some(Value::Tuple(values));
    }
    let word = word(rest)?;
    match word {
        "True" => return Some(Value::Flag(true)),
        "False" => return Some(Value::Flag(false)),
        _ => {}
    }
    if let Ok(number) = word.parse() {
        return Some(Value::Number(number));
    }
    // `torch.distributed.tensor.Replicate` is `Replicate`.
    let name = word.rsplit('.').next().filter(|name| is_name(name))?;
    let arguments = match eat(rest, '(') {
        true => arguments(rest)?,
        false => Vec::new(),
    };
    Some(Value::Call {
        name: name.to_owned(),
        arguments,
    })
}

/// Arguments up to the closing parenthesis.
fn arguments(rest: &mut &str) -> Option<Vec<(Option<String>, Value)>> {
    let mut arguments = Vec::new();
    while !eat(rest, ')') {
        let mut ahead = *rest;
        let name = word(&mut ahead).filter(|name| is_name(name) && eat(&mut ahead, '='));
        if name.is_some() {
            *rest = ahead;
        }
        arguments.push((name.map(str::to_owned), value(rest)?));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &[(Option<&str>, Value)]) -> Value {
        let arguments = arguments.iter();
        Value::Call {
            name: name.to_owned(),
            arguments: arguments
                .map(|(name, value)| (name.map(str::to_owned), value.clone()))
                .collect(),
        }
    }

    #[test]
    fn a_style_as_written_and_as_pytorch_prints_it() {
        let shard = |name| call("Shard", &[(name, Value::Number(-1))]);
        assert_eq!(
            parse("ColwiseParallel( output_layouts = Shard(-1), use_local_output=False, )"),
            Some(call(
                "ColwiseParallel",
                &[
                    (Some("output_layouts"), shard(None)),
                    (Some("use_local_output"), Value::Flag(false)),
                ]
            ))
        );
        assert_eq!(
            parse("style.ColwiseParallel(output_layouts=(Shard(dim=-1),))"),
            Some(call(
                "ColwiseParallel",
                &[(
                    Some("output_layouts"),
                    Value::Tuple(vec![shard(Some("dim"))])
                )]
            ))
        );
        assert_eq!(
            parse("SequenceParallel"),
            Some(call("SequenceParallel", &[]))
        );
    }

    #[test]
    fn half_a_text_is_no_value() {
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
