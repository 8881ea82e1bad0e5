//! Patterns: the trailing `?`, the braces, the segments.

use crate::fault::Fault;

/// The patterns one literal stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Patterns {
    /// Dotted paths without braces, in the order they were written; never empty.
    pub(super) expanded: Vec<String>,
    /// Whether they may match nothing.
    pub(super) optional: bool,
}

/// Reads the text of a pattern literal.
///
/// # Errors
/// The first rule the text breaks.
pub(super) fn parse(text: &str) -> Result<Patterns, Fault> {
    if text.is_empty() {
        return Err(Fault::PatternEmpty);
    }
    if text.contains(char::is_whitespace) {
        return Err(Fault::PatternSpace);
    }
    let (path, optional) = match text.strip_suffix('?') {
        Some(path) => (path, true),
        None => (text, false),
    };
    if path.contains('?') {
        return Err(Fault::PatternQuestion);
    }
    let expanded = expand(path)?;
    for path in &expanded {
        path.split('.')
            .try_for_each(|segment| self::segment(segment, path))?;
    }
    Ok(Patterns { expanded, optional })
}

/// Every text that `{a,b}` groups stand for, the last group varying fastest.
fn expand(text: &str) -> Result<Vec<String>, Fault> {
    let Some(open) = text.find(['{', '}']) else {
        return Ok(vec![text.to_owned()]);
    };
    let (before, group) = (&text[..open], &text[open..]);
    let close = group
        .find('}')
        .filter(|close| *close > 0)
        .ok_or(Fault::PatternUnbalanced)?;
    let alternatives = &group[1..close];
    if alternatives.contains('{') {
        return Err(Fault::PatternNested);
    }
    let rest = expand(&group[close + 1..])?;
    let mut expanded = Vec::new();
    for alternative in alternatives.split(',') {
        if alternative.is_empty() {
            return Err(Fault::PatternEmptyBraces);
        }
        expanded.extend(
            rest.iter()
                .map(|rest| format!("{before}{alternative}{rest}")),
        );
    }
    Ok(expanded)
}

fn segment(segment: &str, path: &str) -> Result<(), Fault> {
    let legal = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    match segment {
        "*" => Ok(()),
        "" => Err(Fault::PatternEmptySegment {
            path: path.to_owned(),
        }),
        "**" => Err(Fault::PatternDoubleStar),
        _ if segment.contains('*') => Err(Fault::PatternPartialStar {
            segment: segment.to_owned(),
        }),
        _ => match segment.chars().find(|c| !legal(*c)) {
            Some(found) => Err(Fault::PatternCharacter { found }),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Vec<String> {
        match parse(text) {
            Ok(patterns) => patterns.expanded,
            Err(fault) => panic!("{text}: {fault}"),
        }
    }

    #[test]
    fn braces_expand_in_the_order_they_are_written() {
        assert_eq!(
            expanded("self_attn.{q,k,v}_proj"),
            ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]
        );
        assert_eq!(expanded("{a,b}.{c,d}"), ["a.c", "a.d", "b.c", "b.d"]);
        assert_eq!(expanded("layers.*.mlp"), ["layers.*.mlp"]);
    }

    #[test]
    fn a_trailing_question_mark_makes_it_optional() {
        assert!(
            parse("a.b?").is_ok_and(|patterns| patterns.optional && patterns.expanded == ["a.b"])
        );
        assert!(parse("a.b").is_ok_and(|patterns| !patterns.optional));
    }

    #[test]
    fn every_malformed_pattern_is_refused() {
        for text in [
            "",
            "a b",
            "a?.b",
            "a.{b",
            "a.b}",
            "}a{",
            "a.{b,{c}}",
            "a.{}",
            "a.{b,}",
            "a..b",
            ".a",
            "a.",
            "?",
            "a.**",
            "a.b*",
            "a/b",
            "a.[0]",
        ] {
            assert!(parse(text).is_err(), "{text:?} passed");
        }
    }

    proptest::proptest! {
        #[test]
        fn braces_stand_for_every_choice(parts in proptest::collection::vec(
            (proptest::string::string_regex("[a-z]{1,3}").unwrap(),
             proptest::collection::vec(proptest::string::string_regex("[a-z]{1,3}").unwrap(), 1..4)),
            1..4,
        )) {
            let text: String =
                parts.iter().map(|(name, choices)| format!("{name}{{{}}}", choices.join(","))).collect();
            let mut naive = vec![String::new()];
            for (name, choices) in &parts {
                naive = naive
                    .iter()
                    .flat_map(|before| choices.iter().map(move |choice| format!("{before}{name}{choice}")))
                    .collect();
            }
            proptest::prop_assert_eq!(expanded(&text), naive);
        }
    }
}
