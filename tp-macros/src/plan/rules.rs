//! What each style may be given: the one table of legal arguments and layouts.
//!
//! Activations are `[batch, sequence, features]`: `Shard(1)` is split over the sequence, `Shard(-1)`
//! over the features. The first layout of each list is the default.

use std::fmt;

use Layout::{Replicate, Shard};

/// A layout, as in `tp_runtime::Placement`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Replicate,
    Shard(i64),
    Partial,
}

/// The name of an argument.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Argument {
    Input,
    Output,
    Sequence,
    ShareHeads,
    Segments,
    Local,
}

/// A parallel style and the layouts it can take and give.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) input: &'static [Layout],
    pub(super) output: &'static [Layout],
    pub(super) sequence: &'static [Layout],
    /// Arguments that are no layouts, beside `local`.
    pub(super) others: &'static [Argument],
}

/// The styles, in the order they are listed to people.
pub(super) const RULES: [Rule; 6] = [
    Rule {
        name: "Colwise",
        input: &[Replicate, Shard(1)],
        output: &[Shard(-1), Replicate],
        sequence: &[],
        others: &[Argument::ShareHeads, Argument::Segments],
    },
    Rule {
        name: "Rowwise",
        input: &[Shard(-1), Replicate],
        output: &[Replicate, Shard(1)],
        sequence: &[],
        others: &[],
    },
    Rule {
        name: "SequenceParallel",
        input: &[],
        output: &[],
        sequence: &[Shard(1)],
        others: &[],
    },
    Rule {
        name: "SequenceParallelAllGatherActivation",
        input: &[],
        output: &[],
        sequence: &[Shard(1)],
        others: &[],
    },
    Rule {
        name: "VocabParallelEmbedding",
        input: &[Replicate],
        output: &[Replicate, Shard(1)],
        sequence: &[],
        others: &[],
    },
    Rule {
        name: "RotaryEmbedParallel",
        input: &[],
        output: &[],
        sequence: &[Shard(1)],
        others: &[],
    },
];

/// Names from Python tables, with what is written here.
pub(super) const PYTHON_NAMES: [(&str, &str); 8] = [
    ("ColwiseParallel", "Colwise"),
    ("RowwiseParallel", "Rowwise"),
    ("input_layouts", "input"),
    ("output_layouts", "output"),
    ("desired_input_layouts", "input"),
    ("use_local_output", "local"),
    ("sequence_dim", "sequence"),
    ("sequence_sharding", "sequence"),
];

/// The placements a person may write.
pub(super) const PLACEMENTS: [&str; 3] = ["Replicate", "Shard", "Partial"];

impl Rule {
    /// The arguments the style takes.
    pub(super) fn arguments(&self) -> impl Iterator<Item = Argument> {
        Argument::ALL.into_iter().filter(|argument| {
            *argument == Argument::Local
                || self.others.contains(argument)
                || !self.layouts(*argument).is_empty()
        })
    }

    /// The layouts an argument may have; none for one that is no layout.
    pub(super) fn layouts(&self, argument: Argument) -> &'static [Layout] {
        match argument {
            Argument::Input => self.input,
            Argument::Output => self.output,
            Argument::Sequence => self.sequence,
            Argument::ShareHeads | Argument::Segments | Argument::Local => &[],
        }
    }

    /// Whether the style only means something where activations are split over the sequence.
    pub(super) fn splits_the_sequence(&self) -> bool {
        !self.sequence.is_empty()
    }
}

impl Argument {
    pub(super) const ALL: [Self; 6] = [
        Self::Input,
        Self::Output,
        Self::Sequence,
        Self::ShareHeads,
        Self::Segments,
        Self::Local,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Sequence => "sequence",
            Self::ShareHeads => "share_heads",
            Self::Segments => "segments",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Replicate => f.write_str("Replicate"),
            Shard(dim) => write!(f, "Shard({dim})"),
            Self::Partial => f.write_str("Partial"),
        }
    }
}
