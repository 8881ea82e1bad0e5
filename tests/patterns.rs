//! Patterns against a naive model of them, on random paths.

use proptest::prelude::*;
use tp_runtime::plan::pattern::{matches, overlap};

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".into()),
        Just("b".into()),
        Just("ab".into()),
        Just("0".into()),
        Just("12".into())
    ]
}

fn path() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(segment(), 1..5)
}

fn pattern() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![3 => segment(), 1 => Just("*".into())], 1..5)
}

/// Every path that a pattern names, over the alphabet of `segment`: `*` is an element of a list.
fn named(pattern: &[String]) -> Vec<String> {
    pattern.iter().fold(vec![String::new()], |paths, segment| {
        let choices: Vec<&str> = match segment.as_str() {
            "*" => vec!["0", "12"],
            name => vec![name],
        };
        let extend = |path: &String| {
            let join = |choice: &&str| match path.as_str() {
                "" => (*choice).to_owned(),
                path => format!("{path}.{choice}"),
            };
            choices.iter().map(join).collect::<Vec<_>>()
        };
        paths.iter().flat_map(extend).collect()
    })
}

proptest! {
    #[test]
    fn a_pattern_matches_the_paths_it_stands_for(pattern in pattern(), path in path()) {
        let path = path.join(".");
        prop_assert_eq!(matches(&pattern.join("."), &path), named(&pattern).contains(&path));
    }

    #[test]
    fn patterns_overlap_where_they_share_a_path(a in pattern(), b in pattern()) {
        let shared = named(&a).iter().any(|path| named(&b).contains(path));
        prop_assert_eq!(overlap(&a.join("."), &b.join(".")), shared);
    }
}
