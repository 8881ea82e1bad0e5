//! Errors of adapters.

use std::path::PathBuf;

use tp_plan::words::All;

/// An adapter that a model cannot have.
#[derive(Debug, thiserror::Error)]
pub enum LoraError {
    /// A config that cannot be read, or asks for what is not done here.
    #[error("the adapter's `{}` cannot be used: {reason}", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why.
        reason: String,
    },

    /// Numbers that cannot be worked with.
    #[error(
        "an adapter of rank {rank} and alpha {alpha} cannot be made: the rank has to be 1 at least, alpha finite"
    )]
    Numbers {
        /// The rank.
        rank: i64,
        /// Alpha.
        alpha: f64,
    },

    /// Targets that are no regular expression.
    #[error(
        "`{pattern}`, which the adapter's layers are to match, is no regular expression: {reason}"
    )]
    Pattern {
        /// The text.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A name that fits nothing.
    #[error(
        "the adapter names `{name}`, which no module of the model is called: its linear layers are {}",
        All(known)
    )]
    NoLayer {
        /// The name.
        name: String,
        /// The last names of the model's linear layers.
        known: Vec<String>,
    },

    /// A layer that takes no adapter.
    #[error(
        "the adapter names `{layer}`, which is {kind}: linear layers are adapted alone; `modules_to_save` trains others whole"
    )]
    NotLinear {
        /// Its path.
        layer: String,
        /// What it is.
        kind: &'static str,
    },

    /// A second adapter.
    #[error("`{layer}` has an adapter already")]
    Twice {
        /// The layer's path.
        layer: String,
    },

    /// Targets that fit no layer.
    #[error("the adapter's targets `{targets}` fit no linear layer of the model")]
    NothingAdapted {
        /// The targets.
        targets: String,
    },

    /// A parameter under several names, of which the adapter has trained one apart.
    #[error(
        "the model has one parameter for {}, and the adapter has none for `{absent}`: it was trained with them untied; \
         merge it with PEFT, and give the merged model",
        All(names)
    )]
    Untied {
        /// The name without a tensor.
        absent: String,
        /// Every name of the parameter.
        names: Vec<String>,
    },

    /// An adapter of a weight that is another layer's, too.
    #[error(
        "the adapter is for one of {}, which the model has one parameter for: merged, it would change all of them; \
         run the model with --adapter, or leave that layer out of the targets",
        All(names)
    )]
    TiedTarget {
        /// Every name of the parameter.
        names: Vec<String>,
    },

    /// Random weights.
    #[error("an adapter is of a trained model: give a checkpoint, and not a config alone")]
    NoModel,

    /// A model without an adapter.
    #[error("the model has no adapter to save or merge")]
    None,
}
