//! What a rule says: how a layer under a style reads its input, what it makes, where its parameters are.

use crate::{Argument, LOW_RANK_DOWN, LOW_RANK_UP, ModuleKind, Placement, StyleKind};

/// What a style makes of a layer of one kind; the [table](crate::ModuleKind::rules) has one for each
/// style that fits, and one for the layer without a style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The style; `None` for a layer without one.
    pub style: Option<StyleKind>,
    /// The layouts of the activation it may be given, the default first; any where empty.
    pub inputs: &'static [Placement],
    /// The layouts of the activation it may give, the default first; as it is made where empty.
    pub outputs: &'static [Placement],
    /// The arguments a cell of a plan may have.
    pub arguments: &'static [Argument],
    /// How the layer reads its input.
    pub reads: Reads,
    /// What it makes of it, before the output's layout is kept.
    pub makes: Makes,
    /// How each parameter is placed, by its last name; one that is not listed has no place.
    pub parameters: &'static [(&'static str, Placement)],
}

/// How a layer reads its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// No activation: token ids, which every rank has.
    Ids,
    /// All of it, for a share of the output: the gradient is a term of a sum. Chunks of the sequence
    /// are gathered, once for all that read them.
    Whole,
    /// This rank's chunk of a dimension.
    Chunk(Placement),
    /// Every feature of the positions at hand: all of them, or a chunk of the sequence.
    Rows,
    /// Nothing of the flow: rotary tables, images and bare parameters reach the activations from outside.
    Aside,
}

/// How what a layer makes is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Makes {
    /// As its input was read.
    AsRead,
    /// In one way, however the input was placed.
    Placed(Placement),
}

impl Rule {
    /// How the style places the parameter `leaf`; `None` where the rule does not know it.
    pub fn parameter(&self, leaf: &str) -> Option<Placement> {
        let mut known = self.parameters.iter();
        known
            .find(|(name, _)| *name == leaf)
            .map(|(_, placement)| *placement)
    }

    /// The dimension in which the style splits the layer's weight, if it does.
    pub const fn split(&self) -> Option<usize> {
        let mut at = 0;
        while at < self.parameters.len() {
            if let (_, Placement::Shard(dim)) = self.parameters[at] {
                return Some(dim as usize);
            }
            at += 1;
        }
        None
    }

    /// Whether a cell of this style may have the argument.
    pub const fn takes(&self, argument: Argument) -> bool {
        let mut at = 0;
        while at < self.arguments.len() {
            if self.arguments[at] as u8 == argument as u8 {
                return true;
            }
            at += 1;
        }
        false
    }

    /// The layouts an argument may have; none for one that is no layout or is not taken.
    pub const fn layouts(&self, argument: Argument) -> &'static [Placement] {
        match argument {
            Argument::Input | Argument::Sequence if self.takes(argument) => self.inputs,
            Argument::Output if self.takes(argument) => self.outputs,
            _ => &[],
        }
    }

    /// How the activations are placed that the replicated parameter `leaf` is applied to, for an input
    /// read as `read` and an output kept as `output`.
    ///
    /// It is added to a sum, not to its terms, unless it is of low rank and makes terms itself. Where the
    /// answer is no `Replicate`, each rank finds a term of the parameter's gradient.
    pub fn meets(&self, leaf: &str, read: Placement, output: Placement) -> Placement {
        let makes_terms = [LOW_RANK_DOWN, LOW_RANK_UP].contains(&leaf);
        match self.makes {
            Makes::AsRead => read,
            Makes::Placed(Placement::Partial) if !makes_terms => output,
            Makes::Placed(made) => made,
        }
    }
}

impl ModuleKind {
    /// The rule for a layer of this kind under a style, or without one; `None` where the style does not fit.
    pub const fn rule(self, style: Option<StyleKind>) -> Option<&'static Rule> {
        let rules = self.rules();
        let mut at = 0;
        while at < rules.len() {
            let found = match (rules[at].style, style) {
                (Some(one), Some(other)) => one as u8 == other as u8,
                (None, None) => true,
                _ => false,
            };
            if found {
                return Some(&rules[at]);
            }
            at += 1;
        }
        None
    }

    /// Whether some style splits the parameters of such a layer, so that leaving it whole has a cost.
    pub const fn can_be_split(self) -> bool {
        let rules = self.rules();
        let mut at = 0;
        while at < rules.len() {
            if rules[at].split().is_some() {
                return true;
            }
            at += 1;
        }
        false
    }
}
