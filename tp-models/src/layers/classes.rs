//! The classes of a model that sorts texts, or scores them (transformers `GenericForSequenceClassification`).
//!
//! Shapes: B batch, S sequence, C classes, H hidden.

use serde::Deserialize;
use serde_json::{Map, Value};
use tp_runtime::Result;
use tp_runtime::config::{self, ConfigError};
use tp_runtime::model::FreshHead;
use tp_runtime::nn::{Linear, LinearShape};

use super::DecoderConfig;

#[cfg(feature = "torch")]
use {
    tch::{Kind, Reduction, Tensor},
    tp_runtime::dtensor::DTensor,
    tp_runtime::loss,
    tp_runtime::model::{InputError, Inputs},
    tp_runtime::plan::Placement,
};

/// How many classes there are, and what belongs to them.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    /// C
    count: i64,
    hidden_size: i64,
    /// The token that fills texts up.
    padding: Option<i64>,
    problem: Option<Problem>,
}

/// The fields of the config that concern them.
#[derive(Deserialize)]
struct Fields {
    /// What transformers writes instead of their number.
    id2label: Option<Map<String, Value>>,
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

impl Classes {
    /// A classifier often starts from a language model.
    pub const FRESH_HEAD: FreshHead = FreshHead {
        parameters: &["score.weight"],
        replaces: &["lm_head.weight"],
    };

    /// Those of a `config.json`, whose fields that decoders share are these.
    ///
    /// # Errors
    /// When there is none, or a field is of another type.
    pub fn read(config: &Value, decoder: &DecoderConfig) -> Result<Self, ConfigError> {
        let fields: Fields = config::parse(config)?;
        let listed = fields.id2label.as_ref().map(Map::len);
        // Two where the config says nothing, as in transformers.
        let count = fields.num_labels.or(listed).unwrap_or(2);
        if count == 0 {
            let reason = "`num_labels` is 0: a classifier needs a class".to_owned();
            return Err(ConfigError::Unsupported { reason });
        }
        if count == 1 && fields.problem_type == Some(Problem::SingleLabelClassification) {
            let reason = "`problem_type` is `single_label_classification`, which needs two classes, and there is one";
            let reason = reason.to_owned();
            return Err(ConfigError::Unsupported { reason });
        }
        let only_class = (count == 1).then_some(Problem::Regression);
        Ok(Self {
            count: count as i64,
            hidden_size: decoder.hidden_size,
            padding: decoder.pad_token_id,
            problem: fields.problem_type.or(only_class),
        })
    }

    /// What gives a score for each: `[.., H]` → `[.., C]`
    pub fn head(&self) -> Linear {
        Linear::new(LinearShape::new(self.hidden_size, self.count))
    }
}

#[cfg(feature = "torch")]
impl Classes {
    /// Keeps the scores of each text's last token.
    ///
    /// # Shapes
    /// `[B, S, C]` → `[B, C]`
    ///
    /// # Errors
    /// When there are several texts and no padding token, or a collective fails.
    pub fn at_last_tokens(&self, scores: &DTensor, inputs: &Inputs) -> Result<DTensor> {
        let last = self.last_tokens(&inputs.input_ids)?;
        let scores = scores.redistribute(Placement::Replicate)?;
        let shape = [scores.shape()[0], scores.shape()[2]];
        scores.map("pooling", &shape, |scores| {
            let rows = Tensor::f_arange(shape[0], (Kind::Int64, scores.device()))?;
            scores.f_index(&[Some(rows), Some(last)])
        })
    }

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

    /// The loss, summed over the texts: see [`Model::loss_sum`](tp_runtime::model::Model::loss_sum).
    ///
    /// # Errors
    /// When the labels are of another shape than the scores', or a collective fails.
    pub fn loss_sum(&self, scores: &DTensor, labels: &Tensor) -> Result<Tensor> {
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

    /// How much it sums.
    ///
    /// # Errors
    /// When libtorch cannot count.
    pub fn label_count(&self, labels: &Tensor) -> Result<Tensor> {
        match self.problem(labels) {
            Problem::SingleLabelClassification => loss::count(labels),
            _ => Ok(Tensor::f_full(
                [],
                labels.numel() as f64,
                (Kind::Float, labels.device()),
            )?),
        }
    }

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
