//! Llama that sorts texts into classes, or scores them as a reward model.
//!
//! Shapes: B batch, S sequence, C classes.

use serde_json::Value;
use tp_runtime::model::{FreshHead, FromConfig, Model, Task};
use tp_runtime::nn::Linear;
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::layers::Classes;
use crate::llama::{self, LlamaModel};

#[cfg(feature = "torch")]
use {
    tch::Tensor, tp_runtime::dtensor::DTensor, tp_runtime::model::Inputs, tp_runtime::nn::KvCache,
};

/// Llama with a score for each class, taken at the last token of a text.
#[derive(Module)]
#[flow(model -> score)]
pub struct LlamaForSequenceClassification {
    model: LlamaModel,
    #[module(weight = [num_labels, hidden_size])]
    score: Linear,
    #[module(skip)]
    classes: Classes,
}

impl FromConfig for LlamaForSequenceClassification {
    fn from_config(config: &Value) -> Result<Self> {
        let (model, decoder) = llama::model(config)?;
        let classes = Classes::read(config, &decoder)?;
        let score = classes.head();
        Ok(Self {
            model,
            score,
            classes,
        })
    }
}

impl Model for LlamaForSequenceClassification {
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

register_model!(LlamaForSequenceClassification, for "llama");

tp_plan! {
    /// The decoder's rows as for a language model, and scores that every rank has whole.
    pub LLAMA_CLASSIFIER for LlamaForSequenceClassification;

    // module                                     tensor parallel        | with sequence parallelism
    "model.embed_tokens"                       => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "model.layers.*.input_layernorm"           => _                      | SequenceParallelAllGatherActivation,
    "model.layers.*.self_attn.{q,k,v}_proj"    => Colwise,
    "model.layers.*.self_attn.o_proj"          => Rowwise                | Rowwise(output: Shard(1)),
    "model.layers.*.post_attention_layernorm"  => _                      | SequenceParallelAllGatherActivation,
    "model.layers.*.mlp.{gate,up}_proj"        => Colwise,
    "model.layers.*.mlp.down_proj"             => Rowwise                | Rowwise(output: Shard(1)),
    "model.norm"                               => _                      | SequenceParallel,
    "score"                                    => Colwise(output: Replicate),
}
