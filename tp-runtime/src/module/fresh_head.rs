//! The head of a model that is started from the checkpoint of another task.

/// Parameters that a checkpoint may lack because it has another head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreshHead {
    /// The parameters, by their names; they start from what their layers start from.
    pub parameters: &'static [&'static str],
    /// The tensors of other heads, which are not read.
    pub replaces: &'static [&'static str],
}
