//! What does not fit between a checkpoint and a model, collected before anything is read.

use std::fmt;

use super::checkpoint::did_you_mean;

/// One tensor or parameter that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A parameter of the model that the checkpoint lacks.
    Missing {
        /// The parameter.
        name: String,
        /// The tensor that may have been meant for it.
        nearest: Option<String>,
    },
    /// A tensor of the checkpoint that the model lacks.
    Extra {
        /// The tensor.
        name: String,
        /// The file that holds it.
        file: String,
        /// The parameter it may have been meant for.
        nearest: Option<String>,
    },
    /// A tensor of another shape than its parameter.
    Shape {
        /// The tensor.
        name: String,
        /// The file that holds it.
        file: String,
        /// Its shape there.
        found: Vec<i64>,
        /// The parameter's shape.
        expected: Vec<i64>,
        /// The tensor that is tied to it, where it is not the first that is stored of the parameter.
        tied_to: Option<String>,
    },
    /// A tensor of a type that is no weight.
    Dtype {
        /// The tensor.
        name: String,
        /// The file that holds it.
        file: String,
        /// Its type there.
        dtype: safetensors::Dtype,
    },
}

/// The first faults of a checkpoint, and how many it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The first ten.
    pub first: Vec<Fault>,
    /// How many there are in all.
    pub count: usize,
}

impl Fault {
    /// The same fault of a tensor that the model ties to `other`.
    pub(crate) fn tied_to(mut self, other: &str) -> Self {
        if let Self::Shape { tied_to, .. } = &mut self {
            *tied_to = Some(other.to_owned());
        }
        self
    }
}

impl Faults {
    /// Keeps the first ten: finding the nearest name for thousands would take minutes.
    pub(crate) fn new(faults: impl Iterator<Item = Fault>, count: usize) -> Self {
        Self {
            first: faults.take(10).collect(),
            count,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, nearest } => {
                write!(
                    f,
                    "no tensor for the parameter `{name}`{}",
                    did_you_mean(nearest)
                )
            }
            Self::Extra {
                name,
                file,
                nearest,
            } => {
                write!(
                    f,
                    "no parameter for `{name}` in `{file}`{}",
                    did_you_mean(nearest)
                )
            }
            Self::Shape {
                name,
                file,
                found,
                expected,
                tied_to,
            } => {
                write!(
                    f,
                    "`{name}` in `{file}` has shape {found:?}, the model needs {expected:?}"
                )?;
                match tied_to {
                    Some(other) => write!(f, " as of `{other}`, which it is tied to"),
                    None => Ok(()),
                }
            }
            Self::Dtype { name, file, dtype } => {
                write!(
                    f,
                    "`{name}` in `{file}` is stored as {dtype}, not as F32, F16 or BF16, \
                     nor as FP8 with scales beside it and a `quantization_config` that tells of them"
                )
            }
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.first {
            write!(f, "\n  {fault}")?;
        }
        let more = self.count - self.first.len();
        if more > 0 {
            write!(f, "\n  and {more} more")?;
        }
        f.write_str("\ncheck that `config.json` belongs to these weights")
    }
}
