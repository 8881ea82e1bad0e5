//! A decoder whose queries, keys and values are one projection, and whose gate and up are another.
//!
//! Shapes: B batch, S sequence, H hidden, A attention heads, K key-value heads, D head dimension,
//! I intermediate, V vocabulary.

use serde_json::{Value, json};
use tp_runtime::dropout::Dropout;
use tp_runtime::dtensor::DTensor;
use tp_runtime::model::{FromConfig, Inputs, Model};
use tp_runtime::module::Segment;
use tp_runtime::nn::{Attention, AttentionMask, Embedding, KvCache, Linear, LinearShape, RmsNorm};
use tp_runtime::{Module, Result, register_model, tp_plan};

/// D
const HEAD_DIM: i64 = 4;

#[derive(Module)]
#[flow(embed -> layers -> norm -> head)]
pub(crate) struct FusedDecoder {
    embed: Embedding,
    layers: Vec<Layer>,
    norm: RmsNorm,
    head: Linear,
}

#[derive(Module)]
#[flow(attention_norm -> attention -> + -> mlp_norm -> mlp -> +)]
struct Layer {
    attention_norm: RmsNorm,
    attention: FusedAttention,
    mlp_norm: RmsNorm,
    mlp: FusedMlp,
}

#[derive(Module)]
#[flow(qkv -> out)]
struct FusedAttention {
    qkv: Linear,
    out: Linear,
}

#[derive(Module)]
#[flow(gate_up -> down)]
struct FusedMlp {
    gate_up: Linear,
    down: Linear,
}

/// A config with A and K heads; I is 10, which few degrees divide.
pub(crate) fn config(heads: i64, key_value_heads: i64) -> Value {
    json!({
        "architectures": ["FusedDecoder"],
        "initializer_range": 0.3,
        "heads": heads,
        "key_value_heads": key_value_heads,
    })
}

impl FromConfig for FusedDecoder {
    fn from_config(config: &Value) -> Result<Self> {
        let size = |field: &str| config[field].as_i64().unwrap_or(1);
        let (heads, key_value_heads) = (size("heads"), size("key_value_heads"));
        let (vocabulary, hidden, intermediate) = (19, 12, 10);
        let keys = |name| {
            let width = key_value_heads * HEAD_DIM;
            Segment::key_value_heads(name, width, key_value_heads, heads, "key_value_heads")
        };
        let queries = Segment::heads("q", heads * HEAD_DIM, heads, "heads");
        let qkv = LinearShape::fused(hidden, [queries, keys("k"), keys("v")]).bias(true);
        let gates = ["gate", "up"].map(|name| Segment::features(name, intermediate));
        let gate_up = LinearShape::fused(hidden, gates).bias(true);
        let layer = |_| Layer {
            attention_norm: RmsNorm::new(hidden, 1e-6),
            attention: FusedAttention {
                qkv: Linear::new(qkv.clone()),
                out: Linear::new(
                    LinearShape::new(heads * HEAD_DIM, hidden).input_heads(heads, "heads"),
                ),
            },
            mlp_norm: RmsNorm::new(hidden, 1e-6),
            mlp: FusedMlp {
                gate_up: Linear::new(gate_up.clone()),
                down: Linear::new(LinearShape::new(intermediate, hidden)),
            },
        };
        Ok(Self {
            embed: Embedding::new(vocabulary, hidden, None),
            layers: (0..2).map(layer).collect(),
            norm: RmsNorm::new(hidden, 1e-6),
            head: Linear::new(LinearShape::new(hidden, vocabulary)),
        })
    }
}

impl Model for FusedDecoder {
    fn vocabulary_size(&self) -> i64 {
        self.embed.weight().shape()[0]
    }

    /// `[B, S]` → `[B, S, V]`; without a cache.
    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        let mut x = self.embed.forward(&inputs.input_ids)?;
        for layer in &self.layers {
            let attended = layer
                .attention
                .forward(&layer.attention_norm.forward(&x)?)?;
            x = x.add(&attended)?;
            x = x.add(&layer.mlp.forward(&layer.mlp_norm.forward(&x)?)?)?;
        }
        self.head.forward(&self.norm.forward(&x)?)
    }
}

impl FusedAttention {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor) -> Result<DTensor> {
        let [q, k, v] = self.qkv.forward_segments(x)?;
        let attention = Attention {
            mask: &AttentionMask::Causal,
            scale: 0.5,
            dropout: Dropout::NONE,
            dropout_key: None,
            cache: None,
        };
        let mixed = attention.forward(
            &q.split_heads(HEAD_DIM)?,
            &k.split_heads(HEAD_DIM)?,
            &v.split_heads(HEAD_DIM)?,
        )?;
        self.out.forward(&mixed.merge_heads()?)
    }
}

impl FusedMlp {
    /// `[B, S, H]` → `[B, S, H]`
    fn forward(&self, x: &DTensor) -> Result<DTensor> {
        let [gate, up] = self.gate_up.forward_segments(x)?;
        let gated = gate.zip(&up, "a gated activation", |gate, up| {
            gate.f_silu()?.f_mul(&up)
        })?;
        self.down.forward(&gated)
    }
}

register_model!(FusedDecoder);

tp_plan! {
    /// Fused layers split as one, as AutoModel splits them.
    pub(crate) AS_ONE for FusedDecoder;

    "embed"                   => VocabParallelEmbedding | VocabParallelEmbedding(output: Shard(1)),
    "layers.*.attention_norm" => _                      | SequenceParallelAllGatherActivation,
    "layers.*.attention.qkv"  => Colwise,
    "layers.*.attention.out"  => Rowwise                | Rowwise(output: Shard(1)),
    "layers.*.mlp_norm"       => _                      | SequenceParallelAllGatherActivation,
    "layers.*.mlp.gate_up"    => Colwise,
    "layers.*.mlp.down"       => Rowwise                | Rowwise(output: Shard(1)),
    "norm"                    => _                      | SequenceParallel,
    "head"                    => Colwise                | Colwise(input: Shard(1)),
}

tp_plan! {
    /// Each segment split by itself: nothing is gathered between the layers of a block.
    pub(crate) BY_SEGMENTS for FusedDecoder as "by segments", from AS_ONE;
    "layers.*.attention.qkv" => Colwise(segments: [q, k, v]),
    "layers.*.mlp.gate_up"   => Colwise(segments: [gate, up]),
}

tp_plan! {
    /// Attention whole, gathered at once or computed from chunks of its input.
    pub(crate) WHOLE_SEGMENTS for FusedDecoder as "whole segments", from AS_ONE;
    "layers.0.attention.qkv"     => Rowwise(input: Replicate),
    "layers.1.attention.qkv"     => Colwise(output: Replicate),
    "layers.{0,1}.attention.out" => Rowwise(input: Replicate) | Rowwise(input: Replicate, output: Shard(1)),
    "layers.0.mlp.gate_up"       => _,
    "layers.0.mlp.down"          => Rowwise(input: Replicate) | Rowwise(input: Replicate, output: Shard(1)),
}

tp_plan! {
    /// Segments that the layer does not have.
    pub(crate) MISNAMED for FusedDecoder as "misnamed", from AS_ONE;
    "layers.*.mlp.gate_up" => Colwise(segments: [up, gate]),
}

tp_plan! {
    /// Segments of a layer that is not fused.
    pub(crate) UNFUSED for FusedDecoder as "unfused", from AS_ONE;
    "head" => Colwise(segments: [vocabulary]),
}
