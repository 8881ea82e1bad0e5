//! Sizes that rustc knows: those of a config that is a constant, and which of them a weight has.

/// A size of a config by which ranks divide a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The field of the config.
    pub name: &'static str,
    /// How many there are.
    pub count: i64,
    /// How ranks divide them.
    pub divided: Divided,
}

/// How ranks divide a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divided {
    /// By heads, which are not cut: each rank as many as the others, or one more.
    Heads,
    /// By the heads that read them, so that several ranks may hold one.
    KeyValueHeads,
    /// By torch's chunks, of which the last may be shorter.
    Chunks,
}

impl Size {
    /// Attention heads; those of the queries, where key-value heads are fewer.
    pub const fn heads(name: &'static str, count: i64) -> Self {
        let divided = Divided::Heads;
        Self {
            name,
            count,
            divided,
        }
    }

    /// Heads that several queries may read.
    pub const fn key_value_heads(name: &'static str, count: i64) -> Self {
        let divided = Divided::KeyValueHeads;
        Self {
            name,
            count,
            divided,
        }
    }

    /// Features or ids.
    pub const fn features(name: &'static str, count: i64) -> Self {
        let divided = Divided::Chunks;
        Self {
            name,
            count,
            divided,
        }
    }

    /// Whether each of `degree` ranks has something of it.
    pub const fn is_enough_for(&self, degree: i64) -> bool {
        match self.divided {
            Divided::Heads => degree <= self.count,
            Divided::KeyValueHeads => true,
            Divided::Chunks => {
                let chunk = (self.count + degree - 1) / degree;
                (degree - 1) * chunk < self.count
            }
        }
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
