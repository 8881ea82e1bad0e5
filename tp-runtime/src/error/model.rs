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

    /// No model is the default of that type.
    #[error(
        "the config has no `architectures`, and no model is the default of `model_type` `{found}`:{} those of {} have one",
        Meant(near),
        All(known)
    )]
    UnknownModelType {
        /// The type asked for.
        found: String,
        /// The one that was likely meant.
        near: Option<&'static str>,
        /// Every type that has a default.
        known: Vec<&'static str>,
    },

    /// A type that the architecture's configs do not have.
    #[error(
        "`architectures` names `{architecture}`, whose `model_type` is {}, and `model_type` is `{found}`: \
         one of them is another model's",
        All(known)
    )]
    OtherModelType {
        /// What `architectures` names.
        architecture: &'static str,
        /// What `model_type` says.
        found: String,
        /// What it may say.
        known: Vec<&'static str>,
    },

    /// Two models are the default of one type.
    #[error(
        "two models are registered as the default for `model_type` `{model_type}`, at {first} and at {second}: \
         name one in `architectures`"
    )]
    TwoDefaults {
        /// The type of both.
        model_type: String,
        /// Where one is registered.
        first: String,
        /// Where the other is.
        second: String,
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
    pub(crate) fn unknown_type(
        found: &str,
        near: Option<&'static str>,
        known: Vec<&'static str>,
    ) -> Self {
        if known.is_empty() {
            return Self::EmptyRegistry;
        }
        Self::UnknownModelType {
            found: found.to_owned(),
            near,
            known,
        }
    }

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
