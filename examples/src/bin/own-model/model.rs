//! A model of this program's own: each position mixed with the running mean of those before it.
//!
//! Shapes: B batch, S sequence, H hidden, I intermediate, V vocabulary.

use serde_json::Value;
use tch::{Kind, TchError, Tensor};
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::nn::{Embedding, KvCache, Linear, LinearShape, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

#[derive(Module)]
#[flow(embed -> blocks -> norm -> head)]
pub(crate) struct MeanMixer {
    embed: Embedding,
    blocks: Vec<Block>,
    norm: RmsNorm,
    head: Linear,
}

#[derive(Module)]
#[flow(norm -> value, gate -> output -> +)]
struct Block {
    norm: RmsNorm,
    value: Linear,
    gate: Linear,
    output: Linear,
}

impl FromConfig for MeanMixer {
    fn from_config(config: &Value) -> Result<Self> {
        let size = |field: &str, default| config[field].as_i64().unwrap_or(default);
        let (vocabulary, hidden) = (size("vocab_size", 64), size("hidden_size", 32));
        let linear = |from, to| Linear::new(LinearShape::new(from, to).bias(true));
        let block = |_| Block {
            norm: RmsNorm::new(hidden, 1e-6),
            value: linear(hidden, 3 * hidden),
            gate: linear(hidden, 3 * hidden),
            output: linear(3 * hidden, hidden),
        };
        Ok(Self {
            embed: Embedding::new(vocabulary, hidden, None),
            blocks: (0..size("num_hidden_layers", 2)).map(block).collect(),
            norm: RmsNorm::new(hidden, 1e-6),
            head: linear(hidden, vocabulary),
        })
    }
}

impl Model for MeanMixer {
    fn vocabulary_size(&self) -> i64 {
        self.embed.weight().shape()[0]
    }

    /// `[B, S]` → `[B, S, V]`; every forward sees the whole text, so it keeps no cache.
    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        let mut x = self.embed.forward(&inputs.input_ids)?;
        for block in &self.blocks {
            x = x.add(&block.forward(&x)?)?;
        }
        self.head.forward(&self.norm.forward(&x)?)
    }
}

impl Block {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor) -> Result<DTensor> {
        let x = self.norm.forward(x)?;
        // On each rank: all positions, some of the 3H features.
        let value = self.value.forward(&x)?;
        let gate = self.gate.forward(&x)?;
        let mixed = value.zip(&gate, "mixing", |value, gate| {
            running_mean(&value)?.f_mul(&gate.f_sigmoid()?)
        })?;
        self.output.forward(&mixed)
    }
}

/// The mean over each position and those before it.
fn running_mean(x: &Tensor) -> Result<Tensor, TchError> {
    let counts = Tensor::f_arange_start(1, x.size()[1] + 1, (x.kind(), x.device()))?;
    x.f_cumsum(1, None::<Kind>)?.f_div(&counts.f_unsqueeze(1)?)
}

register_model!(MeanMixer);

tp_plan! {
    /// Features of each block split over ranks.
    MEAN_MIXER for MeanMixer;

    // module               tensor parallel       | with sequence parallelism
    "embed"                 => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "blocks.*.norm"         => _                      | SequenceParallelAllGatherActivation,
    "blocks.*.{value,gate}" => Colwise,
    "blocks.*.output"       => Rowwise                | Rowwise(output: Shard(1)),
    "norm"                  => _                      | SequenceParallel,
    "head"                  => Colwise                | Colwise(input: Shard(1)),
}
