//! Qwen2 that sorts texts into classes.
//!
//! Shapes: B batch, S sequence, C classes.

use serde_json::Value;
use tp_runtime::model::{FreshHead, FromConfig, Model, Task};
use tp_runtime::nn::Linear;
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::Classes;
use crate::qwen2::{self, QWEN2_MODEL, Qwen2Model};

#[cfg(feature = "torch")]
use {
    tch::Tensor, tp_runtime::dtensor::DTensor, tp_runtime::model::Inputs, tp_runtime::nn::KvCache,
};

/// Qwen2 with a score for each class, taken at the last token of a text.
#[derive(Module)]
#[flow(model -> score)]
pub struct Qwen2ForSequenceClassification {
    model: Qwen2Model,
    #[module(weight = [num_labels, hidden_size])]
    score: Linear,
    #[module(skip)]
    classes: Classes,
}

impl FromConfig for Qwen2ForSequenceClassification {
    fn from_config(config: &Value) -> Result<Self> {
        let (model, decoder) = qwen2::model(config)?;
        let classes = Classes::read(config, &decoder)?;
        let score = classes.head();
        Ok(Self {
            model,
            score,
            classes,
        })
    }
}

impl Model for Qwen2ForSequenceClassification {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.rotary_emb.changes_between(cached, length)
    }

    fn task(&self) -> Task {
        Task::SequenceClassification
    }

    fn fresh_head(&self) -> FreshHead {
        Classes::FRESH_HEAD
    }

    /// `[B, S]` → `[B, C]`
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        let hidden = self.model.forward(inputs, cache)?;
        let scores = self.score.forward(&hidden)?;
        self.classes.at_last_tokens(&scores, inputs)
    }

    #[cfg(feature = "torch")]
    fn loss_sum(&self, scores: &DTensor, labels: &Tensor) -> Result<Tensor> {
        self.classes.loss_sum(scores, labels)
    }

    #[cfg(feature = "torch")]
    fn label_count(&self, labels: &Tensor) -> Result<Tensor> {
        self.classes.label_count(labels)
    }
}

register_model!(Qwen2ForSequenceClassification, for "qwen2");

tp_plan! {
    /// The decoder's plan, and scores that every rank has whole (that of AutoModel's Qwen3 classifier).
    pub QWEN2_CLASSIFIER for Qwen2ForSequenceClassification;

    "model" => include QWEN2_MODEL,
    "score" => Colwise(output: Replicate),
}
