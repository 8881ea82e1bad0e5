//! The models of every crate linked into a program, found by what `config.json` calls them.

use serde_json::Value;

use super::{FromConfig, Model, ModelError};
use crate::Result;
use crate::config::{self, Fp8};
use crate::plan::Node;
use crate::plan::nearest::nearest;

/// A registered model type; written by [`register_model!`](crate::register_model).
pub struct ModelEntry {
    node: &'static Node,
    build: fn(&Value) -> Result<Box<dyn Model>>,
    file: &'static str,
    line: u32,
}

inventory::collect!(ModelEntry);

/// Registers a [`FromConfig`] type, so that the `architectures` of a `config.json` find it.
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
    ($model:ty) => {
        $crate::__private::inventory::submit! {
            $crate::model::ModelEntry::of::<$model>(::core::file!(), ::core::line!())
        }
    };
}

impl ModelEntry {
    /// The entry of `M`, registered at `file:line`.
    pub const fn of<M: FromConfig>(file: &'static str, line: u32) -> Self {
        Self {
            node: M::NODE,
            build: build_as::<M>,
            file,
            line,
        }
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

/// The model that a `config.json` describes, as shapes.
///
/// # Errors
/// As [`model_for`] and [`ModelEntry::build`], when `architectures` names no model, and when the weights are
/// quantized in a way that cannot be read.
pub fn build(config: &Value) -> Result<Box<dyn Model>> {
    Fp8::of(config)?;
    model_for(config::architecture(config)?)?.build(config)
}

fn build_as<M: FromConfig>(config: &Value) -> Result<Box<dyn Model>> {
    Ok(Box::new(M::from_config(config)?))
}
