//! A small model of MLPs.
//!
//! Shapes: B batch, S sequence, H hidden, I intermediate, V vocabulary

use serde::Deserialize;
use serde_json::Value;
use tp_runtime::config::parse;
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::nn::{Activation, Embedding, KvCache, Linear, LinearShape, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

use crate::GatedProjection;

#[derive(Deserialize)]
struct Config {
    vocab_size: i64,
    hidden_size: i64,
    intermediate_size: i64,
    num_hidden_layers: usize,
}

/// Predicts each token from the one before.
#[derive(Module)]
#[flow(embed -> layers -> norm -> lm_head)]
pub struct FusedForCausalLM {
    embed: Embedding,
    layers: Vec<FusedLayer>,
    norm: RmsNorm,
    lm_head: Linear,
}

/// An MLP with a residual branch around it.
#[derive(Module)]
#[flow(norm -> gate_up -> down -> +)]
struct FusedLayer {
    norm: RmsNorm,
    gate_up: GatedProjection,
    down: Linear,
}

impl FromConfig for FusedForCausalLM {
    fn from_config(config: &Value) -> Result<Self> {
        let config: Config = parse(config)?;
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        let layer = |_| FusedLayer {
            norm: RmsNorm::new(hidden, 1e-6),
            gate_up: GatedProjection::new(hidden, intermediate, Activation::Silu),
            down: Linear::new(LinearShape::new(intermediate, hidden).bias(true)),
        };
        Ok(Self {
            embed: Embedding::new(config.vocab_size, hidden, None),
            layers: (0..config.num_hidden_layers).map(layer).collect(),
            norm: RmsNorm::new(hidden, 1e-6),
            lm_head: Linear::new(LinearShape::new(hidden, config.vocab_size)),
        })
    }
}

impl Model for FusedForCausalLM {
    fn vocabulary_size(&self) -> i64 {
        self.embed.weight().shape()[0]
    }

    /// `[B, S]` → `[B, S, V]`
    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        let mut x = self.embed.forward(&inputs.input_ids)?;
        for layer in &self.layers {
            x = x.add(&layer.forward(&x)?)?;
        }
        self.lm_head.forward(&self.norm.forward(&x)?)
    }
}

impl FusedLayer {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor) -> Result<DTensor> {
        // [B, S, I]
        let gated = self.gate_up.forward(&self.norm.forward(x)?)?;
        self.down.forward(&gated)
    }
}

register_model!(FusedForCausalLM);

tp_plan! {
    /// Each MLP split over its intermediate features.
    pub MLP for FusedForCausalLM;

    // module           tensor parallel        | with sequence parallelism
    "embed"             => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "layers.*.norm"     => _                      | SequenceParallelAllGatherActivation,
    "layers.*.gate_up"  => Colwise,
    "layers.*.down"     => Rowwise                | Rowwise(output: Shard(1)),
    "norm"              => _                      | SequenceParallel,
    "lm_head"           => Colwise                | Colwise(input: Shard(1)),
}
