//! Which layers an adapter is for.

use std::fmt;

use regex::Regex;

use crate::error::LoraError;

/// The word for every linear layer.
pub(super) const ALL_LINEAR: &str = "all-linear";

/// The layers that are adapted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Every linear layer but the model's head (`all-linear`).
    AllLinear,
    /// Those whose path is one of these or ends in one, such as `q_proj`.
    Names(Vec<String>),
    /// Those whose whole path a regular expression matches.
    Pattern(String),
}

/// Targets that paths can be compared with.
pub(super) enum Matcher<'a> {
    AllLinear,
    Names(&'a [String]),
    Pattern(Regex),
}

impl Targets {
    /// The names, where that is how layers are told.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Names(names) => names,
            Self::AllLinear | Self::Pattern(_) => &[],
        }
    }

    /// Whether a layer that fits is meant, whatever it computes.
    pub(super) fn is_named(&self) -> bool {
        !matches!(self, Self::AllLinear)
    }

    /// The targets as they are compared with paths.
    ///
    /// # Errors
    /// When a pattern is no regular expression.
    pub(super) fn matcher(&self) -> Result<Matcher<'_>, LoraError> {
        Ok(match self {
            Self::AllLinear => Matcher::AllLinear,
            Self::Names(names) => Matcher::Names(names),
            Self::Pattern(pattern) => {
                let whole = Regex::new(&format!("^(?:{pattern})$"));
                Matcher::Pattern(whole.map_err(|error| LoraError::Pattern {
                    pattern: pattern.clone(),
                    reason: error.to_string(),
                })?)
            }
        })
    }
}

impl Matcher<'_> {
    /// Whether a linear layer at `path` is one of them.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            // A head stands beside the model that it is a head of.
            Self::AllLinear => path.contains('.'),
            Self::Names(names) => names.iter().any(|name| ends_in(path, name)),
            Self::Pattern(pattern) => pattern.is_match(path),
        }
    }
}

/// Whether a path is `name`, or ends in it after a dot.
pub(super) fn ends_in(path: &str, name: &str) -> bool {
    let before = path.strip_suffix(name);
    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// As the flag of a command has it.
impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllLinear => f.write_str(ALL_LINEAR),
            Self::Names(names) => f.write_str(&names.join(",")),
            Self::Pattern(pattern) => f.write_str(pattern),
        }
    }
}
