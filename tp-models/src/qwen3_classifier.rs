//! Qwen3 that sorts texts into classes (transformers `GenericForSequenceClassification`).
//!
//! Shapes: B batch, S sequence, C classes.

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::{self, ConfigError};
use tp_runtime::model::{FromConfig, Model, Task};
use tp_runtime::nn::{Linear, LinearShape};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::qwen2;
use crate::qwen3::{self, QWEN3_MODEL, Qwen3Model};

#[cfg(feature = "torch")]
use {
    tch::{Kind, Reduction, Tensor},
    tp_runtime::dtensor::DTensor,
    tp_runtime::loss,
    tp_runtime::model::{InputError, Inputs},
    tp_runtime::nn::KvCache,
    tp_runtime::plan::Placement,
};

/// The fields of the config that concern the classes.
#[derive(Clone, Debug, Deserialize)]
struct Classes {
    /// What transformers writes instead of their number.
    id2label: Option<serde_json::Map<String, Value>>,
    num_labels: Option<usize>,
    problem_type: Option<Problem>,
}

/// What the labels of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Problem {
    /// Numbers, `[B]` for one class or `[B, C]`.
    Regression,
    /// The one class of each text, `[B]`.
    SingleLabelClassification,
    /// Whether a text belongs to each class, `[B, C]`.
    MultiLabelClassification,
}

/// Qwen3 with a score for each class, taken at the last token of a text.
#[derive(Module)]
#[flow(model -> score)]
pub struct Qwen3ForSequenceClassification {
    model: Qwen3Model,
    #[module(weight = [num_labels, hidden_size])]
    score: Linear,
    #[module(skip)]
    padding: Option<i64>,
    #[module(skip)]
    problem: Option<Problem>,
}

impl FromConfig for Qwen3ForSequenceClassification {
    fn from_config(config: &Value) -> Result<Self> {
        let decoder = qwen2::decoder(config, &qwen3::DEFAULTS)?;
        let classes: Classes = config::parse(config)?;
        let listed = classes.id2label.as_ref().map(serde_json::Map::len);
        // Two where the config says nothing, as in transformers.
        let labels = classes.num_labels.or(listed).unwrap_or(2);
        if labels == 0 {
            let reason = "`num_labels` is 0: a classifier needs a class".to_owned();
            return Err(ConfigError::Unsupported { reason }.into());
        }
        let only_class = (labels == 1).then_some(Problem::Regression);
        if labels == 1 && classes.problem_type == Some(Problem::SingleLabelClassification) {
            let reason = "`problem_type` is `single_label_classification`, which needs two classes, and there is one";
            let reason = reason.to_owned();
            return Err(ConfigError::Unsupported { reason }.into());
        }
        Ok(Self {
            model: qwen3::model(config, &decoder)?,
            score: Linear::new(LinearShape::new(decoder.hidden_size, labels as i64)),
            padding: decoder.pad_token_id,
            problem: classes.problem_type.or(only_class),
        })
    }
}

#[cfg(feature = "torch")]
impl Qwen3ForSequenceClassification {
    /// Where each text ends: its last token that is no padding.
    ///
    /// # Shapes
    /// `[B, S]` → `[B]`
    fn last_tokens(&self, ids: &Tensor) -> Result<Tensor> {
        let (batch, length) = ids.size2()?;
        let places = Tensor::arange(length, (Kind::Int64, ids.device()));
        match self.padding {
            Some(padding) => Ok((ids.not_equal(padding) * places).argmax(-1, false)),
            None if batch == 1 => Ok(places.narrow(0, length - 1, 1)),
            None => Err(InputError::NoPaddingToken { batch }.into()),
        }
    }
}

impl Model for Qwen3ForSequenceClassification {
    fn vocabulary_size(&self) -> i64 {
        self.model.vocabulary_size()
    }

    fn outgrows_cache(&self, cached: i64, length: i64) -> bool {
        self.model.rotary_emb.changes_between(cached, length)
    }

    fn task(&self) -> Task {
        Task::SequenceClassification
    }

    /// `[B, S]` → `[B, C]`
    #[cfg(feature = "torch")]
    fn forward(&self, inputs: &Inputs, cache: Option<&mut KvCache>) -> Result<DTensor> {
        // 1. score every position
        let hidden = self.model.forward(inputs, cache)?;
        let scores = self.score.forward(&hidden)?;
        // 2. keep that of each text's last token
        let last = self.last_tokens(&inputs.input_ids)?;
        let scores = scores.redistribute(Placement::Replicate)?;
        let shape = [scores.shape()[0], scores.shape()[2]];
        scores.map("pooling", &shape, |scores| {
            let rows = Tensor::f_arange(shape[0], (Kind::Int64, scores.device()))?;
            scores.f_index(&[Some(rows), Some(last)])
        })
    }

    #[cfg(feature = "torch")]
    fn loss_sum(&self, scores: &DTensor, labels: &Tensor) -> Result<Tensor> {
        let problem = self.problem(labels);
        if problem == Problem::SingleLabelClassification {
            return loss::cross_entropy_sum(scores, labels);
        }
        let scores = scores.full()?.f_to_kind(Kind::Float)?;
        let scores = match scores.size()[..] {
            [_, 1] if labels.dim() == 1 => scores.f_squeeze_dim(1)?,
            _ => scores,
        };
        if labels.size() != scores.size() {
            let (found, wanted) = (labels.size(), scores.size());
            return Err(InputError::Labels { found, wanted }.into());
        }
        let labels = labels.f_to_kind(Kind::Float)?;
        Ok(match problem {
            Problem::Regression => scores.f_mse_loss(&labels, Reduction::Sum)?,
            _ => scores.f_binary_cross_entropy_with_logits::<Tensor>(
                &labels,
                None,
                None,
                Reduction::Sum,
            )?,
        })
    }

    #[cfg(feature = "torch")]
    fn label_count(&self, labels: &Tensor) -> Result<Tensor> {
        match self.problem(labels) {
            Problem::SingleLabelClassification => loss::count(labels),
            _ => Ok(Tensor::f_full(
                [],
                labels.numel() as f64,
                (Kind::Float, labels.device()),
            )?),
        }
    }
}

#[cfg(feature = "torch")]
impl Qwen3ForSequenceClassification {
    /// The config's `problem_type`; where it has none, by the number of classes and the kind of labels
    /// (transformers `ForSequenceClassificationLoss`).
    fn problem(&self, labels: &Tensor) -> Problem {
        let by_labels = match labels.kind() {
            Kind::Int64 => Problem::SingleLabelClassification,
            _ => Problem::MultiLabelClassification,
        };
        self.problem.unwrap_or(by_labels)
    }
}

register_model!(Qwen3ForSequenceClassification, for "qwen3");

tp_plan! {
    /// The decoder's plan, and scores that every rank has whole (AutoModel's Qwen3 classification plan).
    pub QWEN3_CLASSIFIER for Qwen3ForSequenceClassification;

    "model" => include QWEN3_MODEL,
    "score" => Colwise(output: Replicate),
}
