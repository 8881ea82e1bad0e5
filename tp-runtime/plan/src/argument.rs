//! The arguments of a style, by their names in a plan's table.

use std::fmt;

use crate::{Placement, Style};

/// An argument of a style in a plan's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Argument {
    /// The layout of the activation the module is given.
    Input,
    /// The layout of the activation the module gives.
    Output,
    /// The dimension of the sequence that is split, of the input and the output alike.
    Sequence,
    /// The parts of a fused layer.
    Segments,
    /// PyTorch's `use_local_output`.
    Local,
}

/// The value of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentValue {
    /// A layout.
    Placement(Placement),
    /// `true` or `false`.
    Flag(bool),
    /// The names of segments.
    Names(&'static [&'static str]),
}

impl Argument {
    /// Every argument, in the order tables write them.
    pub const ALL: [Self; 5] = [
        Self::Input,
        Self::Output,
        Self::Sequence,
        Self::Segments,
        Self::Local,
    ];

    /// The name in a plan's table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Sequence => "sequence",
            Self::Segments => "segments",
            Self::Local => "local",
        }
    }
}

impl Style {
    /// The value that the style has for an argument.
    pub const fn value(&self, argument: Argument) -> ArgumentValue {
        match argument {
            Argument::Input | Argument::Sequence => ArgumentValue::Placement(self.input),
            Argument::Output => ArgumentValue::Placement(self.output),
            Argument::Segments => ArgumentValue::Names(self.segments),
            Argument::Local => ArgumentValue::Flag(self.local),
        }
    }

    /// The arguments in which it differs from the style's default.
    pub fn differences(self) -> impl Iterator<Item = Argument> {
        let default = self.kind.style();
        let differs = move |argument: &Argument| self.value(*argument) != default.value(*argument);
        self.kind.arguments().filter(differs)
    }
}

/// As a plan's table says it.
impl fmt::Display for ArgumentValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Placement(placement) => placement.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Names(names) => write!(f, "[{}]", names.join(", ")),
        }
    }
}
