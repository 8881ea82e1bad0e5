//! The table of rules: for each kind of layer, what every style that fits makes of it.
//!
//! Activations are `[batch, sequence, features]`: `Shard(1)` is split over the sequence, `Shard(-1)`
//! over the features. Everything that knows a style asks this table: the macro, the checks, the
//! resolution for a config, `explain`, the layers when they run, and the plans printed for Python.

use crate::Argument::{Input, Local, Output, Segments, Sequence};
use crate::Placement::{Partial, Replicate, Shard};
use crate::StyleKind::{
    Colwise, RotaryEmbedParallel, Rowwise, SequenceParallel, SequenceParallelAllGatherActivation,
    VocabParallelEmbedding,
};
use crate::{Makes, ModuleKind, Placement, Reads, Rule};

/// A split over the features of an activation.
pub const FEATURES: Placement = Shard(-1);
/// A split over its sequence.
pub const SEQUENCE: Placement = Shard(1);

/// From a layer's input to a few features (LoRA's A): split where the input is, so that it reads what the weight does.
pub const LOW_RANK_DOWN: &str = "lora_A.weight";
/// From those to the layer's output (LoRA's B): split where the output is, so that it makes what the weight does.
pub const LOW_RANK_UP: &str = "lora_B.weight";

const LINEAR: &[Rule] = &[
    Rule {
        style: Some(Colwise),
        inputs: &[Replicate, SEQUENCE],
        outputs: &[FEATURES, Replicate],
        arguments: &[Input, Output, Segments, Local],
        reads: Reads::Whole,
        makes: Makes::Placed(FEATURES),
        parameters: &[
            ("weight", Shard(0)),
            ("bias", Shard(0)),
            (LOW_RANK_DOWN, Replicate),
            (LOW_RANK_UP, Shard(0)),
        ],
    },
    Rule {
        style: Some(Rowwise),
        inputs: &[FEATURES, Replicate],
        outputs: &[Replicate, SEQUENCE],
        arguments: &[Input, Output, Local],
        reads: Reads::Chunk(FEATURES),
        makes: Makes::Placed(Partial),
        parameters: &[
            ("weight", Shard(1)),
            ("bias", Replicate),
            (LOW_RANK_DOWN, Shard(1)),
            (LOW_RANK_UP, Replicate),
        ],
    },
    Rule {
        reads: Reads::Rows,
        makes: Makes::AsRead,
        parameters: &[
            ("weight", Replicate),
            ("bias", Replicate),
            (LOW_RANK_DOWN, Replicate),
            (LOW_RANK_UP, Replicate),
        ],
        ..WHOLE
    },
];

const EMBEDDING: &[Rule] = &[
    Rule {
        style: Some(Colwise),
        inputs: &[Replicate],
        outputs: &[FEATURES, Replicate],
        arguments: &[Input, Output, Local],
        reads: Reads::Ids,
        makes: Makes::Placed(FEATURES),
        parameters: &[("weight", Shard(1))],
    },
    Rule {
        style: Some(Rowwise),
        ..VOCABULARY
    },
    VOCABULARY,
    Rule {
        reads: Reads::Ids,
        makes: Makes::Placed(Replicate),
        ..WHOLE
    },
];

/// Rows split over the ranks; each masks the ids of the others.
const VOCABULARY: Rule = Rule {
    style: Some(VocabParallelEmbedding),
    inputs: &[Replicate],
    outputs: &[Replicate, SEQUENCE],
    arguments: &[Input, Output, Local],
    reads: Reads::Ids,
    makes: Makes::Placed(Partial),
    parameters: &[("weight", Shard(0))],
};

const NORM: &[Rule] = &[
    Rule {
        style: Some(SequenceParallel),
        outputs: &[SEQUENCE],
        ..ON_THE_SEQUENCE
    },
    Rule {
        style: Some(SequenceParallelAllGatherActivation),
        outputs: &[Replicate],
        ..ON_THE_SEQUENCE
    },
    Rule {
        reads: Reads::Rows,
        makes: Makes::AsRead,
        ..WHOLE
    },
];

/// A norm on a chunk of the sequence.
const ON_THE_SEQUENCE: Rule = Rule {
    inputs: &[SEQUENCE],
    arguments: &[Sequence, Local],
    reads: Reads::Chunk(SEQUENCE),
    makes: Makes::AsRead,
    ..WHOLE
};

const ROTARY: &[Rule] = &[
    Rule {
        style: Some(RotaryEmbedParallel),
        inputs: &[SEQUENCE],
        outputs: &[Replicate],
        arguments: &[Sequence, Local],
        ..WHOLE
    },
    WHOLE,
];

/// A layer without a style, of which every rank holds all parameters.
pub const WHOLE: Rule = Rule {
    style: None,
    inputs: &[],
    outputs: &[],
    arguments: &[],
    reads: Reads::Aside,
    makes: Makes::AsRead,
    parameters: &[("weight", Replicate), ("bias", Replicate), ("", Replicate)],
};

impl ModuleKind {
    /// What every style that fits makes of a layer of this kind, and what it is without one.
    pub const fn rules(self) -> &'static [Rule] {
        match self {
            Self::Container => &[],
            Self::Linear => LINEAR,
            Self::Embedding => EMBEDDING,
            Self::Norm => NORM,
            Self::Rotary => ROTARY,
            Self::Convolution | Self::Parameter => &[WHOLE],
            Self::Custom(kind) => kind.rules,
        }
    }
}
