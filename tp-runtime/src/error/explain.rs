//! What cannot be explained.

/// A model that does not say enough of its forward, or is too large.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// A struct of modules without `#[flow(..)]`.
    #[error(
        "`{type_name}` (`{path}`) does not declare how its modules feed one another: \
         write `#[flow(a, b -> c)]` above the struct"
    )]
    NoFlow {
        /// The struct.
        type_name: &'static str,
        /// Where it stands in the model; the model's own name at the top.
        path: String,
    },

    /// More bytes than can be counted.
    #[error(
        "a model of {parameters:.1e} parameters with a batch of {batch} x {sequence} tokens takes more bytes than \
         64 bits can count: ask for fewer tokens, or for a smaller model"
    )]
    TooLarge {
        /// About how many parameters it has.
        parameters: f64,
        /// Sequences in a batch.
        batch: u64,
        /// Tokens in each.
        sequence: u64,
    },
}
