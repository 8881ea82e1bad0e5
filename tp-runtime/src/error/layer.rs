//! Layers that are run otherwise than they can be.

/// A layer that is run otherwise than it can be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// A model that was built and given no plan.
    #[error(
        "the model has shapes only: run it as a `ParallelModel`, which applies a plan and loads it"
    )]
    NoPlan,

    /// One context for two layers.
    #[error(
        "`{layer}` keeps its style where `{other}` keeps its own: give each layer a `ParallelContext`"
    )]
    SharedContext {
        /// The layer.
        layer: String,
        /// The layer whose context it is.
        other: String,
    },

    /// A parameter that the layer does not list.
    #[error(
        "`{layer}` reads a parameter of shape {shape:?} that it does not list: add it to its parameters in `leaf!`"
    )]
    UnlistedParameter {
        /// The layer.
        layer: String,
        /// The parameter's whole shape.
        shape: Vec<i64>,
    },

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
}
