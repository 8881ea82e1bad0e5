//! Sizes that rustc knows: those of a config that is a constant, and which of them a weight has.

/// A size of a config by which ranks divide a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The field of the config.
    pub name: &'static str,
    /// How many there are.
    pub count: i64,
    /// Whether these are attention heads, which are not cut.
    pub is_heads: bool,
}

impl Size {
    /// Attention heads: each rank holds as many as the others.
    pub const fn heads(name: &'static str, count: i64) -> Self {
        let is_heads = true;
        Self {
            name,
            count,
            is_heads,
        }
    }

    /// Features or ids: chunks by torch's rule, of which the last may be shorter.
    pub const fn features(name: &'static str, count: i64) -> Self {
        let is_heads = false;
        Self {
            name,
            count,
            is_heads,
        }
    }

    /// Whether `degree` ranks can hold it: heads whole, and something on every rank.
    ///
    /// With `shared`, several ranks may hold one head.
    pub const fn allows(&self, degree: i64, shared: bool) -> bool {
        if self.is_heads {
            return self.count % degree == 0 || shared && degree % self.count == 0;
        }
        let chunk = (self.count + degree - 1) / degree;
        (degree - 1) * chunk < self.count
    }
}

/// The sizes of a weight's dimensions, by the names that a config has for them.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Of the first dimension: what a linear layer gives, or an embedding's ids; a fused layer has
    /// several, one for each segment.
    pub rows: &'static [&'static str],
    /// Of the second dimension: what a linear layer reads, or an embedding gives.
    pub columns: &'static [&'static str],
}
