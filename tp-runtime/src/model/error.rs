//! Faults on the way from a `config.json` to a model.

use crate::plan::words::{All, Meant};

/// A config that names no known model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No crate with models is linked.
    #[error(
        "no model is registered: a program links the models of a crate it names, write `use tp_models as _;`"
    )]
    EmptyRegistry,

    /// No model of that name.
    #[error(
        "unknown architecture `{found}`:{} the known ones are {}",
        Meant(near),
        All(known)
    )]
    UnknownArchitecture {
        /// The name asked for.
        found: String,
        /// The one that was likely meant.
        near: Option<&'static str>,
        /// Every registered one.
        known: Vec<&'static str>,
    },

    /// A model that was built and given no plan.
    #[error(
        "the model has shapes only: run it as a `ParallelModel`, which applies a plan and loads it"
    )]
    NoPlan,

    /// The output of a layer that is split by segments, asked for as one.
    #[error("`{layer}` is split by segments: call `forward_segments` in place of `forward`")]
    InSegments {
        /// The layer.
        layer: String,
    },

    /// Another number of segments than the layer has.
    #[error(
        "`{layer}` has {found} segments, and `forward_segments::<{asked}>` is called: ask for {found}"
    )]
    SegmentCount {
        /// The layer.
        layer: String,
        /// How many it has.
        found: usize,
        /// How many were asked for.
        asked: usize,
    },

    /// A parameter that several ranks hold, and no group of so many ranks.
    #[error(
        "a parameter is held by {count} ranks together, and no group of {count} was made: \
         place parameters before the model is built as a `ParallelModel`"
    )]
    NoSharers {
        /// How many ranks hold it.
        count: usize,
    },

    /// Two models of one name.
    #[error(
        "two models are registered as `{architecture}`, at {first} and at {second}: rename one"
    )]
    TwoModels {
        /// The name of both.
        architecture: String,
        /// Where one is registered.
        first: String,
        /// Where the other is.
        second: String,
    },
}

impl ModelError {
    pub(super) fn unknown(
        found: &str,
        near: Option<&'static str>,
        known: Vec<&'static str>,
    ) -> Self {
        if known.is_empty() {
            return Self::EmptyRegistry;
        }
        Self::UnknownArchitecture {
            found: found.to_owned(),
            near,
            known,
        }
    }
}
