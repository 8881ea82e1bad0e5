//! What Python calls the styles and their arguments: the one table of its names.
//!
//! The macro asks it what a pasted name is called here, `interop` reads and writes plans with it.

use crate::{Argument, Placement, Reads, StyleKind};

/// The class of a style in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The style.
    pub style: StyleKind,
    /// The name that PyTorch has for it, or AutoModel where PyTorch has no such style.
    pub name: &'static str,
    /// The default of its `use_local_output`.
    pub local: bool,
    /// The source of such a class, for a file that is to run with PyTorch alone.
    pub source: Option<&'static str>,
}

/// The keywords of an argument in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// The argument.
    pub argument: Argument,
    /// The parameter of the classes' constructors; `None` where Python's styles have none.
    pub parameter: Option<&'static str>,
    /// The attribute that keeps it, which is its key in a plan as JSON.
    pub attribute: &'static str,
}

/// The classes, in the order of [`StyleKind::ALL`].
pub const CLASSES: [Class; StyleKind::ALL.len()] = [
    pytorch(StyleKind::Colwise, "ColwiseParallel", true),
    pytorch(StyleKind::Rowwise, "RowwiseParallel", true),
    pytorch(StyleKind::SequenceParallel, "SequenceParallel", false),
    Class {
        style: StyleKind::SequenceParallelAllGatherActivation,
        name: "SequenceParallelAllGatherActivation",
        local: false,
        source: Some(include_str!(
            "python/SequenceParallelAllGatherActivation.py"
        )),
    },
    Class {
        style: StyleKind::VocabParallelEmbedding,
        name: "VocabParallelEmbedding",
        local: true,
        source: Some(include_str!("python/VocabParallelEmbedding.py")),
    },
    Class {
        style: StyleKind::RotaryEmbedParallel,
        name: "RotaryEmbedParallel",
        local: true,
        source: Some(include_str!("python/RotaryEmbedParallel.py")),
    },
];

/// The keywords, in the order of [`Argument::ALL`].
pub const KEYWORDS: [Keyword; Argument::ALL.len()] = [
    keyword(Argument::Input, Some("input_layouts"), "input_layouts"),
    keyword(Argument::Output, Some("output_layouts"), "output_layouts"),
    keyword(
        Argument::Sequence,
        Some("sequence_dim"),
        "sequence_sharding",
    ),
    keyword(Argument::Segments, None, "segments"),
    keyword(
        Argument::Local,
        Some("use_local_output"),
        "use_local_output",
    ),
];

/// The attribute in which PyTorch keeps how a style wants its input once it is redistributed.
///
/// It follows from the style, so no table here says it.
pub const DESIRED_INPUT: &str = "desired_input_layouts";

const fn pytorch(style: StyleKind, name: &'static str, local: bool) -> Class {
    Class {
        style,
        name,
        local,
        source: None,
    }
}

const fn keyword(
    argument: Argument,
    parameter: Option<&'static str>,
    attribute: &'static str,
) -> Keyword {
    Keyword {
        argument,
        parameter,
        attribute,
    }
}

impl StyleKind {
    /// The style's class in Python.
    pub const fn python(self) -> &'static Class {
        &CLASSES[self as usize]
    }

    /// What [`DESIRED_INPUT`] says of the style, for one that gathers its input in whatever layout it came.
    pub fn desired_input(self) -> Option<Placement> {
        let reads_whole = self.rules().any(|rule| rule.reads == Reads::Whole);
        reads_whole.then_some(Placement::Replicate)
    }
}

impl Argument {
    /// The argument's keywords in Python.
    pub const fn python(self) -> &'static Keyword {
        &KEYWORDS[self as usize]
    }
}

impl Keyword {
    /// Whether a Python plan may give the argument under this name.
    pub fn is(&self, name: &str) -> bool {
        self.parameter == Some(name) || self.attribute == name
    }
}

/// What a table calls the style or the argument that Python calls `name`.
pub fn table_name(name: &str) -> Option<&'static str> {
    let class = CLASSES.iter().find(|class| class.name == name);
    let argument = match name {
        DESIRED_INPUT => Some(Argument::Input),
        _ => Argument::ALL
            .into_iter()
            .find(|argument| argument.python().is(name)),
    };
    let style = class.map(|class| class.style.name());
    style.or_else(|| argument.map(Argument::name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_and_argument_finds_its_own_line() {
        for style in StyleKind::ALL {
            assert_eq!(style.python().style, style);
        }
        for argument in Argument::ALL {
            assert_eq!(argument.python().argument, argument);
        }
    }

    #[test]
    fn a_class_that_is_written_out_is_the_one_it_is_named() {
        for Class { name, source, .. } in CLASSES {
            assert!(source.is_none_or(|source| source.starts_with(&format!("class {name}("))));
        }
    }

    #[test]
    fn names_of_python_have_a_name_in_a_table() {
        assert_eq!(table_name("RowwiseParallel"), Some("Rowwise"));
        assert_eq!(table_name("sequence_sharding"), Some("sequence"));
        assert_eq!(table_name("desired_input_layouts"), Some("input"));
        assert_eq!(table_name("Rowwise"), None);
    }
}
