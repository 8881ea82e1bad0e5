//! Errors on the way from a `config.json` to a model.

use tp_plan::words::{All, Meant};

/// A config that names no known model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No crate with models is linked.
    #[error(
        "no model is registered: a program links the models of a crate it names, write `use tp_models as _;`"
    )]
    EmptyRegistry,

    /// No model of that name.
    #[error(
        "unknown architecture `{found}`:{} the known ones are {}",
        Meant(near),
        All(known)
    )]
    UnknownArchitecture {
        /// The name asked for.
        found: String,
        /// The one that was likely meant.
        near: Option<&'static str>,
        /// Every registered one.
        known: Vec<&'static str>,
    },

    /// Two models of one name.
    #[error(
        "two models are registered as `{architecture}`, at {first} and at {second}: rename one"
    )]
    TwoModels {
        /// The name of both.
        architecture: String,
        /// Where one is registered.
        first: String,
        /// Where the other is.
        second: String,
    },
}

impl ModelError {
    pub(crate) fn unknown(
        found: &str,
        near: Option<&'static str>,
        known: Vec<&'static str>,
    ) -> Self {
        if known.is_empty() {
            return Self::EmptyRegistry;
        }
        Self::UnknownArchitecture {
            found: found.to_owned(),
            near,
            known,
        }
    }
}
