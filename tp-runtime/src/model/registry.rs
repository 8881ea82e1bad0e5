//! The models of every crate linked into a program, found by what `config.json` calls them.

use serde_json::Value;

use super::{FromConfig, Model, ModelError};
use crate::Result;
use crate::config::{self, ConfigError, Fp8};
use crate::plan::Node;
use crate::plan::nearest::nearest;

/// A registered model type; written by [`register_model!`](crate::register_model).
pub struct ModelEntry {
    node: &'static Node,
    build: fn(&Value) -> Result<Box<dyn Model>>,
    /// The `model_type` that finds the model where a config has no `architectures`.
    default_for: Option<&'static str>,
    /// Further ones that its configs may have.
    further: &'static [&'static str],
    file: &'static str,
    line: u32,
}

inventory::collect!(ModelEntry);

/// Registers a [`FromConfig`] type, so that the `architectures` of a `config.json` find it.
///
/// `register_model!(Bare, default for "bare", for "bare_text")` says, too, which `model_type` a config of it has: one
/// without `architectures` finds the type's default, and one of another type is refused. Without these, any type fits.
///
/// ```
/// # use tp_runtime::model::{FromConfig, Model};
/// #[derive(tp_runtime::module::Module)]
/// struct Bare { lm_head: tp_runtime::nn::Linear }
/// # impl Model for Bare {
/// #     fn vocabulary_size(&self) -> i64 {
/// #         16
/// #     }
/// #
/// #     #[cfg(feature = "torch")]
/// #     fn forward(
/// #         &self,
/// #         _: &tp_runtime::model::Inputs,
/// #         _: Option<&mut tp_runtime::nn::KvCache>,
/// #     ) -> tp_runtime::Result<tp_runtime::dtensor::DTensor> {
/// #         unreachable!()
/// #     }
/// # }
/// impl FromConfig for Bare {
///     fn from_config(_: &serde_json::Value) -> tp_runtime::Result<Self> {
///         let shape = tp_runtime::nn::LinearShape::new(8, 16);
///         Ok(Self { lm_head: tp_runtime::nn::Linear::new(shape) })
///     }
/// }
///
/// tp_runtime::register_model!(Bare);
///
/// # fn main() -> tp_runtime::Result<()> {
/// let model = tp_runtime::model::build(&serde_json::json!({ "architectures": ["Bare"] }))?;
/// assert_eq!(model.parameters()[0].name, "lm_head.weight");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! register_model {
    ($model:ty $(, default for $default:literal)? $(, for $further:literal)*) => {
        $crate::__private::inventory::submit! {
            $crate::model::ModelEntry::of::<$model>(::core::file!(), ::core::line!())
                $(.default_for($default))?
                .further(&[$($further),*])
        }
    };
}

impl ModelEntry {
    /// The entry of `M`, registered at `file:line`.
    pub const fn of<M: FromConfig>(file: &'static str, line: u32) -> Self {
        Self {
            node: M::NODE,
            build: build_as::<M>,
            default_for: None,
            further: &[],
            file,
            line,
        }
    }

    /// The same, found by a `model_type` alone, too.
    #[must_use]
    pub const fn default_for(self, model_type: &'static str) -> Self {
        Self {
            default_for: Some(model_type),
            ..self
        }
    }

    /// The same for configs of these types, too.
    #[must_use]
    pub const fn further(self, model_types: &'static [&'static str]) -> Self {
        Self {
            further: model_types,
            ..self
        }
    }

    /// Every `model_type` that a config of it may have; where there is none, any.
    pub fn model_types(&self) -> impl Iterator<Item = &'static str> {
        self.default_for
            .into_iter()
            .chain(self.further.iter().copied())
    }

    /// What `config.json` calls the model.
    pub fn architecture(&self) -> &'static str {
        self.node.type_name
    }

    /// The model's place in the tree of constants.
    pub fn node(&self) -> &'static Node {
        self.node
    }

    /// Where it was registered, as `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// The model's shapes, from the whole `config.json`.
    ///
    /// # Errors
    /// When a field is missing, of the wrong type, or asks for something the model does not do.
    pub fn build(&self, config: &Value) -> Result<Box<dyn Model>> {
        (self.build)(config)
    }
}

/// Every registered model, by architecture.
pub fn models() -> Vec<&'static ModelEntry> {
    let mut models: Vec<&'static ModelEntry> = inventory::iter::<ModelEntry>().collect();
    models.sort_by_key(|entry| (entry.node.type_path, entry.line));
    models.sort_by_key(|entry| entry.architecture());
    models
}

/// The model that `config.json` calls `architecture`.
///
/// # Errors
/// When no model, or more than one, goes by that name.
pub fn model_for(architecture: &str) -> Result<&'static ModelEntry> {
    let all = models();
    let mut named = all
        .iter()
        .copied()
        .filter(|entry| entry.architecture() == architecture);
    match (named.next(), named.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(first), Some(second)) => Err(ModelError::TwoModels {
            architecture: architecture.to_owned(),
            first: first.place(),
            second: second.place(),
        }
        .into()),
        (None, _) => {
            let known: Vec<&'static str> = all.iter().map(|entry| entry.architecture()).collect();
            let near = nearest(architecture, known.iter().copied());
            Err(ModelError::unknown(architecture, near, known).into())
        }
    }
}

/// The model that a `config.json` is of: by `architectures`, or else the default of its `model_type`.
///
/// # Errors
/// As [`model_for`], and when the config names no model, or its two fields name different ones.
pub fn model_of(config: &Value) -> Result<&'static ModelEntry> {
    let model_type = config::model_type(config)?;
    match (config::architecture(config)?, model_type) {
        (Some(architecture), model_type) => {
            let entry = model_for(architecture)?;
            let known: Vec<&'static str> = entry.model_types().collect();
            match model_type {
                Some(found) if !known.is_empty() && !known.contains(&found) => {
                    Err(ModelError::OtherModelType {
                        architecture: entry.architecture(),
                        found: found.to_owned(),
                        known,
                    }
                    .into())
                }
                _ => Ok(entry),
            }
        }
        (None, Some(model_type)) => default_for(model_type),
        (None, None) => Err(ConfigError::NoArchitecture.into()),
    }
}

/// The model that a `model_type` alone stands for.
fn default_for(model_type: &str) -> Result<&'static ModelEntry> {
    let all = models();
    let defaults = || all.iter().filter_map(|entry| entry.default_for);
    let mut named = all
        .iter()
        .copied()
        .filter(|entry| entry.default_for == Some(model_type));
    match (named.next(), named.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(first), Some(second)) => Err(ModelError::TwoDefaults {
            model_type: model_type.to_owned(),
            first: first.place(),
            second: second.place(),
        }
        .into()),
        (None, _) => {
            let near = nearest(model_type, defaults());
            Err(ModelError::unknown_type(model_type, near, defaults().collect()).into())
        }
    }
}

/// The model that a `config.json` describes, as shapes.
///
/// # Errors
/// As [`model_of`] and [`ModelEntry::build`], and when the weights are quantized in a way that cannot be read.
pub fn build(config: &Value) -> Result<Box<dyn Model>> {
    Fp8::of(config)?;
    model_of(config)?.build(config)
}

fn build_as<M: FromConfig>(config: &Value) -> Result<Box<dyn Model>> {
    Ok(Box::new(M::from_config(config)?))
}
