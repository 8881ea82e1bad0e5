//! The parallel styles: what a row of a plan does to its module.

use std::fmt;

use crate::{Argument, ModuleKind, Placement, Rule};

/// The parallel styles, with PyTorch's and AutoModel's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StyleKind {
    /// Splits a linear layer's output features, or an embedding's hidden dimension (`ColwiseParallel`).
    Colwise,
    /// Splits a linear layer's input features, or an embedding's rows (`RowwiseParallel`).
    Rowwise,
    /// Runs a norm on a chunk of the sequence (`SequenceParallel`).
    SequenceParallel,
    /// Runs a norm on a chunk of the sequence, then gathers its output.
    SequenceParallelAllGatherActivation,
    /// Splits an embedding's rows; ranks mask the ids they do not own.
    VocabParallelEmbedding,
    /// Gives whole rotary tables to a model whose activations are split over the sequence.
    RotaryEmbedParallel,
}

/// One parallel style with its layouts: a cell of a plan's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Style {
    /// Which style.
    pub kind: StyleKind,
    /// Layout of the activation the module is given (`input_layouts`).
    pub input: Placement,
    /// Layout of the activation the module gives back (`output_layouts`).
    pub output: Placement,
    /// The parts of a fused layer, each split by itself; empty where the layer is split as one.
    pub segments: &'static [&'static str],
    /// PyTorch's `use_local_output`: without meaning here, where placements are always tracked, and kept
    /// so that a plan goes to Python as it came from there.
    pub local: bool,
}

impl StyleKind {
    /// Every style, in the order they are listed to people.
    pub const ALL: [Self; 6] = [
        Self::Colwise,
        Self::Rowwise,
        Self::SequenceParallel,
        Self::SequenceParallelAllGatherActivation,
        Self::VocabParallelEmbedding,
        Self::RotaryEmbedParallel,
    ];

    /// The name in a plan table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Colwise => "Colwise",
            Self::Rowwise => "Rowwise",
            Self::SequenceParallel => "SequenceParallel",
            Self::SequenceParallelAllGatherActivation => "SequenceParallelAllGatherActivation",
            Self::VocabParallelEmbedding => "VocabParallelEmbedding",
            Self::RotaryEmbedParallel => "RotaryEmbedParallel",
        }
    }

    /// Whether a module of this kind can be given the style.
    pub const fn fits(self, kind: ModuleKind) -> bool {
        kind.rule(Some(self)).is_some()
    }

    /// The rule whose layouts are the style's defaults: that of the first kind it fits.
    pub const fn rule(self) -> &'static Rule {
        let mut at = 0;
        while at < ModuleKind::LAYERS.len() {
            if let Some(rule) = ModuleKind::LAYERS[at].rule(Some(self)) {
                return rule;
            }
            at += 1;
        }
        unreachable!() // every style has a rule
    }

    /// The rules of the style, one for each kind it fits.
    pub fn rules(self) -> impl Iterator<Item = &'static Rule> {
        let kinds = ModuleKind::LAYERS.into_iter();
        kinds.filter_map(move |kind| kind.rule(Some(self)))
    }

    /// The arguments a cell may have, whatever the kind of layer.
    pub fn arguments(self) -> impl Iterator<Item = Argument> {
        let taken = move |argument: &Argument| self.rules().any(|rule| rule.takes(*argument));
        Argument::ALL.into_iter().filter(taken)
    }

    /// The layouts an argument may have, whatever the kind of layer, the default first.
    pub fn layouts(self, argument: Argument) -> Vec<Placement> {
        let mut layouts = Vec::new();
        for layout in self.rules().flat_map(|rule| rule.layouts(argument)) {
            if !layouts.contains(layout) {
                layouts.push(*layout);
            }
        }
        layouts
    }

    /// The style of that name in a plan table.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }

    /// Whether the style only means something where activations are split over the sequence.
    pub const fn splits_the_sequence(self) -> bool {
        self.rule().takes(Argument::Sequence)
    }

    /// The style with its default layouts.
    pub const fn style(self) -> Style {
        let rule = self.rule();
        let (input, output) = (rule.inputs[0], rule.outputs[0]);
        Style {
            kind: self,
            input,
            output,
            segments: &[],
            local: self.python().local,
        }
    }
}

impl Style {
    /// The style with another input layout.
    pub const fn input(self, input: Placement) -> Self {
        Self { input, ..self }
    }

    /// The style with another output layout.
    ///
    /// An activation that stays split over the sequence has to travel as a `DTensor`, so
    /// `Shard(1)` turns `local` off, as every Python plan does by hand.
    pub const fn output(self, output: Placement) -> Self {
        let local = self.local && !output.same(Placement::Shard(1));
        Self {
            output,
            local,
            ..self
        }
    }

    /// The style on another dimension of the sequence (`sequence_dim`).
    pub const fn sequence(self, sequence: Placement) -> Self {
        let output = match self.output {
            Placement::Shard(_) => sequence,
            whole => whole,
        };
        Self {
            input: sequence,
            output,
            ..self
        }
    }

    /// The style with each of these parts of the layer split by itself.
    pub const fn segments(self, segments: &'static [&'static str]) -> Self {
        Self { segments, ..self }
    }

    /// The style with another `use_local_output`, for Python.
    pub const fn local(self, local: bool) -> Self {
        Self { local, ..self }
    }
}

/// As a cell of a plan's table says it: the arguments that differ from the style's defaults.
impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = self.kind.style();
        let implied = Self {
            local: default.output(self.output).local,
            ..default
        };
        let arguments = self.kind.arguments();
        let differ = arguments.filter(|argument| self.value(*argument) != implied.value(*argument));
        let written =
            differ.map(|argument| format!("{}: {}", argument.name(), self.value(argument)));
        let written: Vec<String> = written.collect();
        f.write_str(self.kind.name())?;
        match &written[..] {
            [] => Ok(()),
            arguments => write!(f, "({})", arguments.join(", ")),
        }
    }
}
