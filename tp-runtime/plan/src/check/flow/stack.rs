//! The activations that a forward still needs, as rustc keeps them.

use super::module::Activations;

/// A stack of at most [`Stack::DEPTH`] activations.
pub(super) struct Stack {
    activations: [Activations; Self::DEPTH],
    length: usize,
}

impl Stack {
    /// Two for each struct that modules are nested in, and two for branches.
    const DEPTH: usize = 32;

    /// The stack of one activation.
    pub(super) const fn new(input: Activations) -> Self {
        Self {
            activations: [input; Self::DEPTH],
            length: 1,
        }
    }

    pub(super) const fn top(&self) -> &Activations {
        &self.activations[self.length - 1]
    }

    pub(super) const fn top_mut(&mut self) -> &mut Activations {
        &mut self.activations[self.length - 1]
    }

    /// What is right below the top.
    pub(super) const fn below(&self) -> &Activations {
        &self.activations[self.length - 2]
    }

    /// Puts on top what is so many below it.
    pub(super) const fn copy(&mut self, depth: usize) {
        assert!(self.length < Self::DEPTH, "a model nests too deep");
        self.activations[self.length] = self.activations[self.length - 1 - depth];
        self.length += 1;
    }

    /// Drops what is right below the top.
    pub(super) const fn drop_below(&mut self) {
        self.length -= 1;
        self.activations[self.length - 1] = self.activations[self.length];
    }

    /// Drops the top.
    pub(super) const fn pop(&mut self) {
        self.length -= 1;
    }
}
