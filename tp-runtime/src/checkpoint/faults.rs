//! What does not fit between a checkpoint and a model, collected before anything is read.

use std::fmt;

use super::error::did_you_mean;

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

/// All that does not fit; shows the first ten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

const SHOWN: usize = 10;

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
            } => {
                write!(
                    f,
                    "`{name}` in `{file}` has shape {found:?}, the model needs {expected:?}"
                )
            }
            Self::Dtype { name, file, dtype } => {
                write!(
                    f,
                    "`{name}` in `{file}` is stored as {dtype}, not as F32, F16 or BF16"
                )
            }
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in self.0.iter().take(SHOWN) {
            write!(f, "\n  {fault}")?;
        }
        if self.0.len() > SHOWN {
            write!(f, "\n  and {} more", self.0.len() - SHOWN)?;
        }
        f.write_str("\ncheck that `config.json` belongs to these weights")
    }
}
