//! No token stream makes a macro panic, or expand to what rustc cannot read.
//!
//! `corpus/` holds inputs that are legal and inputs that are not; the streams tried beside them are
//! those, changed token by token.

use std::error::Error;
use std::path::Path;
use std::str::FromStr;
use std::{fs, panic};

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

type Macro = fn(TokenStream) -> TokenStream;

const MACROS: [(&str, Macro); 3] = [
    ("plans", crate::plan::plan),
    ("modules", crate::module::derive),
    ("assertions", crate::shards::assert_shards),
];

/// Changed inputs to try.
const CASES: u32 = 5000;

/// Changes of one token tree, which is picked by its place.
#[derive(Clone, Debug)]
enum Change {
    Drop(usize),
    Repeat(usize),
    Wrap(usize, u8),
    /// Puts a token of the whole corpus there.
    Replace(usize, usize),
    Insert(usize, usize),
    /// Puts a character into a string.
    Letter(usize, char),
}

/// The inputs of a file: the groups in it.
fn inputs(name: &str) -> Result<Vec<TokenStream>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let text = fs::read_to_string(folder.join(name).with_extension("rs"))?;
    let trees = TokenStream::from_str(&text)?.into_iter();
    let inputs: Vec<_> = trees
        .filter_map(|tree| match tree {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        })
        .collect();
    assert!(!inputs.is_empty(), "{name} has no inputs");
    Ok(inputs)
}

/// Every token tree, those in groups too.
fn all(stream: TokenStream) -> Vec<TokenTree> {
    let within = |tree: TokenTree| match &tree {
        TokenTree::Group(group) => {
            let inside = all(group.stream());
            [vec![tree], inside].concat()
        }
        _ => vec![tree],
    };
    stream.into_iter().flat_map(within).collect()
}

impl Change {
    fn place(&self) -> usize {
        match *self {
            Self::Drop(at)
            | Self::Repeat(at)
            | Self::Wrap(at, _)
            | Self::Replace(at, _)
            | Self::Insert(at, _)
            | Self::Letter(at, _) => at,
        }
    }

    /// The stream with the tree changed that `left` counts down to.
    fn apply(&self, stream: TokenStream, left: &mut usize, corpus: &[TokenTree]) -> TokenStream {
        let mut changed = TokenStream::new();
        for tree in stream {
            let here = *left == 0;
            *left = left.wrapping_sub(1);
            if here {
                changed.extend(self.one(tree, corpus));
            } else if let TokenTree::Group(group) = tree {
                let inside = self.apply(group.stream(), left, corpus);
                changed.extend([TokenTree::from(Group::new(group.delimiter(), inside))]);
            } else {
                changed.extend([tree]);
            }
        }
        changed
    }

    fn one(&self, tree: TokenTree, corpus: &[TokenTree]) -> Vec<TokenTree> {
        let delimiters = [
            Delimiter::Parenthesis,
            Delimiter::Brace,
            Delimiter::Bracket,
            Delimiter::None,
        ];
        match *self {
            Self::Drop(_) => Vec::new(),
            Self::Repeat(_) => vec![tree.clone(), tree],
            Self::Wrap(_, kind) => {
                let delimiter = delimiters[usize::from(kind) % delimiters.len()];
                vec![Group::new(delimiter, tree.into()).into()]
            }
            Self::Replace(_, other) => vec![corpus[other % corpus.len()].clone()],
            Self::Insert(_, other) => vec![corpus[other % corpus.len()].clone(), tree],
            Self::Letter(at, letter) => match &tree {
                TokenTree::Literal(literal) => {
                    let mut text: Vec<char> =
                        literal.to_string().trim_matches('"').chars().collect();
                    text.insert(at % (text.len() + 1), letter);
                    vec![Literal::string(&text.into_iter().collect::<String>()).into()]
                }
                _ => vec![tree],
            },
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let (at, other) = (0..400_usize, any::<usize>());
    let letter = prop_oneof![
        Just('*'),
        Just('.'),
        Just('{'),
        Just('}'),
        Just(','),
        Just('?'),
        any::<char>()
    ];
    prop_oneof![
        at.clone().prop_map(Change::Drop),
        at.clone().prop_map(Change::Repeat),
        (at.clone(), any::<u8>()).prop_map(|(at, kind)| Change::Wrap(at, kind)),
        (at.clone(), other).prop_map(|(at, other)| Change::Replace(at, other)),
        (at.clone(), other).prop_map(|(at, other)| Change::Insert(at, other)),
        (at, letter).prop_map(|(at, letter)| Change::Letter(at, letter)),
    ]
}

/// The expansion as text.
///
/// # Panics
/// When the macro does, or when rustc could not read what it gives.
fn expansion(expand: Macro, input: TokenStream) -> String {
    let expanded = expand(input);
    let file: Result<syn::File, _> = syn::parse2(expanded.clone());
    assert!(file.is_ok(), "no items: {expanded}");
    expanded.to_string()
}

#[test]
fn only_faulty_inputs_expand_to_errors() -> Result<(), Box<dyn Error>> {
    for (name, expand) in MACROS {
        for (kind, faulty) in [("sound", false), ("faulty", true)] {
            for input in inputs(&format!("{name}_{kind}"))? {
                let text = input.to_string();
                let errors = expansion(expand, input).contains("compile_error");
                assert_eq!(errors, faulty, "{name}: {{ {text} }}");
            }
        }
    }
    Ok(())
}

#[test]
fn no_tokens_make_a_macro_panic() -> Result<(), Box<dyn Error>> {
    let mut corpus = Vec::new();
    for (name, expand) in MACROS {
        for kind in ["sound", "faulty"] {
            corpus.extend(
                inputs(&format!("{name}_{kind}"))?
                    .into_iter()
                    .map(|input| (expand, input)),
            );
        }
    }
    let tokens: Vec<TokenTree> = corpus
        .iter()
        .flat_map(|(_, input)| all(input.clone()))
        .collect();
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    };
    // The same run each time; a million cases of other seeds have been run by hand.
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let changes = proptest::collection::vec(change(), 1..5);
    runner.run(&(any::<usize>(), changes), |(which, changes)| {
        let (expand, input) = &corpus[which % corpus.len()];
        let mut input = input.clone();
        for change in &changes {
            let trees = all(input.clone()).len().max(1);
            input = change.apply(input, &mut (change.place() % trees), &tokens);
        }
        let text = input.to_string();
        let outcome = panic::catch_unwind(|| expansion(*expand, input));
        prop_assert!(outcome.is_ok(), "{{ {text} }}");
        Ok(())
    })?;
    Ok(())
}
