//! Models whose collectives cannot be told from their structs.

/// A model that does not say enough of its forward.
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
}
