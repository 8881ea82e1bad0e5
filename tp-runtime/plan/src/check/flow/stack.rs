//! The activations that a forward still needs, as rustc keeps them.

use super::module::Values;

/// A stack of at most [`Stack::DEPTH`] activations.
pub(super) struct Stack {
    values: [Values; Self::DEPTH],
    length: usize,
}

impl Stack {
    /// Two for each struct that modules are nested in, and two for branches.
    const DEPTH: usize = 32;

    /// The stack of one activation.
    pub(super) const fn new(input: Values) -> Self {
        Self {
            values: [input; Self::DEPTH],
            length: 1,
        }
    }

    pub(super) const fn top(&self) -> &Values {
        self.below(0)
    }

    /// What is so many below the top.
    pub(super) const fn below(&self, depth: usize) -> &Values {
        &self.values[self.length - 1 - depth]
    }

    pub(super) const fn push(&mut self, values: Values) {
        assert!(self.length < Self::DEPTH, "a model nests too deep");
        self.values[self.length] = values;
        self.length += 1;
    }

    /// Puts another in the place of the top.
    pub(super) const fn replace(&mut self, values: Values) {
        self.values[self.length - 1] = values;
    }

    /// Drops what is right below the top.
    pub(super) const fn drop_below(&mut self) {
        let top = *self.top();
        self.length -= 1;
        self.replace(top);
    }
}
