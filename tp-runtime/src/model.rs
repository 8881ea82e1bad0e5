//! A whole model: built from a config as shapes, run on tensors once a plan is applied.

mod registry;

pub use crate::error::ModelError;
pub use crate::inputs::{Extent, Input};
pub use crate::module::{FreshHead, Rename};
#[cfg(feature = "torch")]
pub use crate::{error::InputError, inputs::Inputs};
pub use registry::{ModelEntry, build, model_for, model_of, models};

use serde_json::Value;

use crate::Result;
use crate::module::{self, Module, NamedLayer, NamedParam};
use crate::plan::Node;

#[cfg(feature = "torch")]
use {
    crate::dtensor::DTensor, crate::inputs::Accepted, crate::loss, crate::nn::KvCache, tch::Tensor,
};

/// The modules of a model whose type is not known.
pub trait Modules: 'static {
    /// Its place in the tree of constants.
    fn node(&self) -> &'static Node;

    /// Every leaf layer, in field order.
    fn layers(&self) -> Vec<NamedLayer<'_>>;

    /// Every parameter under its first name; a tied parameter appears once.
    fn parameters(&self) -> Vec<NamedParam<'_>>;
}

impl<M: Module> Modules for M {
    fn node(&self) -> &'static Node {
        M::NODE
    }

    fn layers(&self) -> Vec<NamedLayer<'_>> {
        module::layers(self)
    }

    fn parameters(&self) -> Vec<NamedParam<'_>> {
        module::parameters(self)
    }
}

/// What a model's outputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Logits for each next token.
    CausalLanguageModelling,
    /// Scores of a whole text for each class.
    SequenceClassification,
}

/// A whole model, as `config.json` names it in `architectures`.
pub trait Model: Modules {
    /// How many tokens the model knows.
    fn vocabulary_size(&self) -> i64;

    /// What its outputs are.
    fn task(&self) -> Task {
        Task::CausalLanguageModelling
    }

    /// What it takes besides `input_ids`.
    fn takes(&self) -> &'static [Input] {
        &[Input::ATTENTION_MASK, Input::POSITION_IDS]
    }

    /// Names that older checkpoints use for its tensors; the first that fits is taken.
    fn renames(&self) -> &'static [Rename] {
        &[]
    }

    /// What may start anew where a checkpoint has another head.
    fn fresh_head(&self) -> FreshHead {
        FreshHead::default()
    }

    /// Whether keys cached in a text of `cached` positions are none of one of `length`, since rotary frequencies
    /// change with the length (LongRoPE, dynamic scaling); all positions are computed anew then.
    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        let _ = (cached, length);
        false
    }

    /// Whether all that a forward of one token makes of its position comes from
    /// [`Positions::places`](crate::nn::Positions::places) and the cache, so that on a GPU it can be captured once
    /// and replayed at other positions.
    fn can_be_captured(&self) -> bool {
        false
    }

    /// Logits for a batch.
    ///
    /// # Shapes
    /// ids `[batch, sequence]` → `[batch, sequence, vocabulary]`, placed as the head's row says; the
    /// last [`Inputs::logits_to_keep`] positions where that is set. A classifier gives `[batch, labels]`.
    ///
    /// # Errors
    /// When layouts do not meet or a collective fails.
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor>;

    /// The loss that training lowers, summed over what [`Self::label_count`] counts: the cross entropy of each next
    /// token, unless the model says otherwise.
    ///
    /// # Shapes
    /// logits as [`Self::forward`] gives them, labels `[batch, sequence]`, not shifted → a scalar, the same
    /// on every rank
    ///
    /// # Errors
    /// When the labels do not belong to the logits, or a collective fails.
    #[cfg(feature = "torch")]
    fn loss_sum(&self, logits: &DTensor, labels: &Tensor) -> Result<Tensor> {
        loss::next_token_sum(logits, labels)
    }

    /// How much [`Self::loss_sum`] sums, which the mean is taken over: a scalar in f32.
    ///
    /// # Errors
    /// When the labels are of another shape than the model's.
    #[cfg(feature = "torch")]
    fn label_count(&self, labels: &Tensor) -> Result<Tensor> {
        loss::count(&loss::next_token_labels(labels)?)
    }
}

#[cfg(feature = "torch")]
impl dyn Model {
    /// What its inputs are compared with.
    pub(crate) fn accepted(&self) -> Accepted {
        Accepted {
            name: self.node().type_name,
            vocabulary_size: self.vocabulary_size(),
            takes: self.takes(),
        }
    }
}

/// A model that is built from its `config.json`.
pub trait FromConfig: Module + Model + Sized {
    /// The model's shapes; no memory is taken for weights.
    ///
    /// # Errors
    /// When a field is missing or of another type, or asks for something the model does not do.
    fn from_config(config: &Value) -> Result<Self>;
}
