//! Random rows for a tree: most name something in it, some nearly do.

use proptest::prelude::*;
use proptest::sample::Index;
use tp_runtime::plan::{Arity, Row, Style, StyleKind};

use super::tree::{ELEMENTS, Tree, name};

/// Where a random row leads, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    steps: Vec<Index>,
    mistake: u8,
    style: Option<StyleKind>,
    second: Option<StyleKind>,
}

pub(crate) fn any_wish() -> impl Strategy<Value = Wish> {
    let style = || {
        prop_oneof![
            2 => Just(None),
            1 => Just(Some(StyleKind::Colwise)),
            1 => Just(Some(StyleKind::Rowwise)),
        ]
    };
    let steps = proptest::collection::vec(any::<Index>(), 8);
    (steps, 0..20_u8, style(), style()).prop_map(|(steps, mistake, style, second)| Wish {
        steps,
        mistake,
        style,
        second,
    })
}

impl Wish {
    /// The row that it makes for `tree`.
    pub(crate) fn row(&self, tree: &Tree) -> Row {
        let mut segments = self.segments(tree);
        match self.mistake {
            0 => segments.push("up".to_owned()),
            1 => drop(segments.pop()),
            2 => segments[0].push('x'),
            3 => segments.insert(1, "*".to_owned()),
            4 => segments = vec!["*".to_owned()],
            _ => {}
        }
        let pattern = if segments.is_empty() {
            "up".to_owned()
        } else {
            segments.join(".")
        };
        let style = |kind: Option<StyleKind>| kind.map(StyleKind::style).map(|style: Style| style);
        Row::new(pattern.leak(), style(self.style)).sequence_parallel(style(self.second))
    }

    /// The way down to a layer, or to where the steps end.
    fn segments(&self, tree: &Tree) -> Vec<String> {
        let mut segments = Vec::new();
        let (mut tree, mut steps) = (tree, self.steps.iter());
        while let (false, Some(step)) = (tree.children().is_empty(), steps.next()) {
            let index = step.index(tree.children().len());
            let (arity, child) = &tree.children()[index];
            segments.push(name(index).to_owned());
            if *arity == Arity::List {
                segments.push(match step.index(4 * ELEMENTS) {
                    element if element < ELEMENTS => element.to_string(),
                    _ => "*".to_owned(),
                });
            }
            tree = child;
        }
        segments
    }
}
