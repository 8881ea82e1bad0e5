//! `y = x Wᵀ + b`, whole, split by output features or split by input features.

#[cfg(feature = "torch")]
mod low_rank;
#[cfg(feature = "torch")]
mod segments;

use crate::leaf;
use crate::module::{Heads, Initial, LowRankSlot, ParallelContext, Param, Segment};
use tp_plan::{HeadShares, ModuleKind};

#[cfg(feature = "torch")]
use {
    crate::Result,
    crate::comm::kernels::linear,
    crate::dtensor::DTensor,
    crate::module::{ForwardPass, LayerError},
    tch::Tensor,
    tp_plan::Placement,
};

/// A linear layer, as `torch.nn.Linear`.
pub struct Linear {
    /// `[out_features, in_features]`
    weight: Param,
    /// `[out_features]`
    bias: Option<Param>,
    low_rank: LowRankSlot,
    context: ParallelContext,
}

/// The sizes of a linear layer, and which of them are made of attention heads.
#[derive(Clone, Debug)]
pub struct LinearShape {
    in_features: i64,
    out_features: i64,
    bias: bool,
    heads: Option<Heads>,
    segments: Vec<Segment>,
}

impl LinearShape {
    /// A layer from `in_features` to `out_features` without bias.
    pub fn new(in_features: i64, out_features: i64) -> Self {
        Self {
            in_features,
            out_features,
            bias: false,
            heads: None,
            segments: Vec::new(),
        }
    }

    /// A fused layer without bias, whose output features are these segments.
    pub fn fused(in_features: i64, segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: Vec<Segment> = segments.into_iter().collect();
        let out_features = segments.iter().map(|segment| segment.length).sum();
        Self {
            segments,
            ..Self::new(in_features, out_features)
        }
    }

    /// Whether there is a bias.
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// The output features are `count` heads, a number the config calls `field`; no shard cuts one.
    pub fn output_heads(self, count: i64, field: &'static str) -> Self {
        Self {
            heads: Some(Heads {
                dim: 0,
                shares: HeadShares::of_queries(count),
                field,
            }),
            ..self
        }
    }

    /// The output features are `count` key-value heads, which `queries` heads read: a rank holds those
    /// that its queries read, together with others where these do, too.
    pub fn key_value_heads(self, count: i64, queries: i64, field: &'static str) -> Self {
        Self {
            heads: Some(Heads {
                dim: 0,
                shares: HeadShares { count, queries },
                field,
            }),
            ..self
        }
    }

    /// The input features are `count` heads, a number the config calls `field`; no shard cuts one.
    pub fn input_heads(self, count: i64, field: &'static str) -> Self {
        Self {
            heads: Some(Heads {
                dim: 1,
                shares: HeadShares::of_queries(count),
                field,
            }),
            ..self
        }
    }
}

impl Linear {
    /// A layer of the given shape, holding no memory yet.
    pub fn new(shape: LinearShape) -> Self {
        let LinearShape {
            in_features,
            out_features,
            bias,
            heads,
            segments,
        } = shape;
        let bias_heads = heads.clone().filter(|heads| heads.dim == 0);
        let with = |shape: &[i64], heads| match segments.is_empty() {
            true => Param::with_heads(shape, heads),
            false => Param::with_segments(shape, segments.clone()),
        };
        Self {
            weight: with(&[out_features, in_features], heads),
            bias: bias.then(|| with(&[out_features], bias_heads).initial(Initial::Zeros)),
            low_rank: LowRankSlot::default(),
            context: ParallelContext::default(),
        }
    }

    /// A head that shares its weight with an embedding, and has a bias of its own.
    pub fn tied_with_bias(embedding: &super::Embedding) -> Self {
        let rows = embedding.weight().shape()[0];
        Self {
            bias: Some(Param::new(&[rows]).initial(Initial::Zeros)),
            ..Self::tied(embedding)
        }
    }

    /// A head that shares its weight with an embedding.
    pub fn tied(embedding: &super::Embedding) -> Self {
        Self {
            weight: embedding.weight().clone(),
            bias: None,
            low_rank: LowRankSlot::default(),
            context: ParallelContext::default(),
        }
    }
}

leaf!(
    Linear,
    ModuleKind::Linear,
    [weight, bias],
    |layer, _| layer.weight.shape()[0],
    low_rank: low_rank
);

#[cfg(feature = "torch")]
impl Linear {
    /// Applies the layer.
    ///
    /// # Shapes
    /// `[.., in_features]` → `[.., out_features]`
    ///
    /// # Errors
    /// When the input is placed otherwise than the row says, naming both sides, or a collective fails.
    pub fn forward(&self, input: &DTensor) -> Result<DTensor> {
        self.context.forward(input, |pass| {
            if is_in_segments(pass) {
                let layer = pass.path().to_string();
                return Err(LayerError::InSegments { layer }.into());
            }
            self.output(pass)
        })
    }

    /// The output in one piece.
    fn output(&self, pass: &ForwardPass<'_>) -> Result<DTensor> {
        let features = self.weight.shape()[0];
        let Some(bias) = self
            .bias
            .as_ref()
            .filter(|_| pass.makes() == Placement::Partial)
        else {
            return pass.give(self.local(pass)?, features);
        };
        // Added to the sum, not to the terms: once, not once per rank.
        let term = self.product(pass, None)?;
        let (sum, bias) = (pass.give(term, features)?, pass.parameter(bias)?);
        sum.map("adding a bias", sum.shape(), |local| local.f_add(&bias))
    }

    /// What this rank's part of the weight and of the bias make of the input.
    fn local(&self, pass: &ForwardPass<'_>) -> Result<Tensor> {
        let bias = self.bias.as_ref().map(|bias| pass.parameter(bias));
        self.product(pass, bias.transpose()?.as_ref())
    }

    /// The same of the weight and its adapter, which are placed alike, with a given bias.
    fn product(&self, pass: &ForwardPass<'_>, bias: Option<&Tensor>) -> Result<Tensor> {
        let product = linear(pass.input(), &pass.parameter(&self.weight)?, bias)?;
        match self.low_rank.get() {
            Some(adapter) => Ok(product.f_add(&adapter.forward(pass)?)?),
            None => Ok(product),
        }
    }
}

/// Whether each segment is split by itself.
#[cfg(feature = "torch")]
fn is_in_segments(pass: &ForwardPass<'_>) -> bool {
    pass.style().is_some_and(|style| !style.segments.is_empty())
}
