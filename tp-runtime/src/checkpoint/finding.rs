//! What a checkpoint holds otherwise than its model has it, and how it was loaded all the same.

use std::fmt;
use std::path::PathBuf;

use tch::Kind;

/// Something that whoever loads a checkpoint should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Tensors that the index leaves out.
    Unlisted {
        /// The index.
        index: PathBuf,
        /// The first of them.
        first: String,
        /// How many there are.
        count: usize,
    },
    /// Names of tensors that differ from the model's by what they start with.
    Prefix {
        /// What the model's names do not start with; may be empty.
        removed: String,
        /// What they start with instead; may be empty.
        added: String,
    },
    /// Weights that are stored in 8 bits.
    Fp8 {
        /// How many there are.
        count: usize,
        /// What they are held in.
        kind: Kind,
    },
    /// Tied parameters that are stored with different values.
    Untied {
        /// The first name.
        name: String,
        /// The others.
        others: Vec<String>,
    },
    /// A parameter of the head that the checkpoint lacks.
    Fresh {
        /// The parameter.
        name: String,
        /// What its random numbers start from.
        seed: u64,
    },
    /// A tensor of another head than the model's.
    OtherHead {
        /// The tensor.
        name: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlisted {
                index,
                first,
                count,
            } => {
                let index = index.display();
                write!(
                    f,
                    "`{index}` leaves out {count} of the tensors in its files, first `{first}`: they are read, too"
                )
            }
            Self::Prefix { removed, added } => {
                let change = match (removed.as_str(), added.as_str()) {
                    ("", added) => format!("lack the `{added}`"),
                    (removed, "") => format!("have a `{removed}` in front"),
                    (removed, added) => format!("have a `{removed}` for the `{added}`"),
                };
                write!(
                    f,
                    "the names of the checkpoint's tensors {change} of the model's: read all the same"
                )
            }
            Self::Fp8 { count, kind } => {
                write!(
                    f,
                    "{count} weights are stored as FP8: they are held, and saved, as {kind:?}"
                )
            }
            Self::Untied { name, others } => {
                let others = others.join("` and `");
                write!(
                    f,
                    "`{name}` and `{others}` are tied by the config and stored with different values: each keeps its own, and a save says `\"tie_word_embeddings\": false`"
                )
            }
            Self::Fresh { name, seed } => {
                write!(
                    f,
                    "the checkpoint has no `{name}`: it starts from random numbers (seed {seed})"
                )
            }
            Self::OtherHead { name } => {
                write!(
                    f,
                    "`{name}` belongs to another head than the model's: it is not read"
                )
            }
        }
    }
}
