//! `y = x Wᵀ + b`, whole, split by output features or split by input features.

#[cfg(feature = "torch")]
mod segments;

use super::leaf::{Slot, leaf};
use crate::module::{Heads, Initial, Param, Segment};

#[cfg(feature = "torch")]
use {
    super::Placed,
    crate::Result,
    crate::dtensor::DTensor,
    crate::model::ModelError,
    crate::plan::{Placement, Style, StyleKind},
    tch::Tensor,
};

/// A linear layer, as `torch.nn.Linear`.
pub struct Linear {
    /// `[out_features, in_features]`
    weight: Param,
    /// `[out_features]`
    bias: Option<Param>,
    slot: Slot,
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
                count,
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
                count,
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
            slot: Slot::default(),
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
            slot: Slot::default(),
        }
    }
}

leaf!(Linear, Linear, |this| {
    let bias = this.bias.as_ref().map(|bias| ("bias", bias));
    [("weight", &this.weight)].into_iter().chain(bias).collect()
});

#[cfg(feature = "torch")]
impl Linear {
    /// Applies the layer as its style says.
    ///
    /// # Shapes
    /// `[.., in_features]` → `[.., out_features]`
    ///
    /// # Errors
    /// When the input lies otherwise than the row says, naming both sides, or a collective fails.
    pub fn forward(&self, input: &DTensor) -> Result<DTensor> {
        let placed = self.slot.get()?;
        match placed.style {
            None => self.whole(input, placed),
            Some(style) => match style.kind {
                StyleKind::Colwise => self.colwise(input, placed, style),
                StyleKind::Rowwise => self.rowwise(input, placed, style),
                other => Err(placed.unfit(other)),
            },
        }
    }

    fn whole(&self, input: &DTensor, placed: &Placed) -> Result<DTensor> {
        let local = placed.read_rows(input)?;
        let activations = input.placement();
        let weight = placed.replicated(&self.weight, activations);
        let bias = self
            .bias
            .as_ref()
            .map(|bias| placed.replicated(bias, activations));
        let local = local.linear(&weight, bias.as_ref());
        placed.give(local, activations, &self.output_shape(input), activations)
    }

    fn colwise(&self, input: &DTensor, placed: &Placed, style: Style) -> Result<DTensor> {
        if !style.segments.is_empty() {
            let layer = placed.path.to_string();
            return Err(ModelError::InSegments { layer }.into());
        }
        let local = self.columns(input, placed, style)?;
        placed.give(
            local,
            Placement::Shard(-1),
            &self.output_shape(input),
            style.output,
        )
    }

    /// What this rank's columns make of the input.
    fn columns(&self, input: &DTensor, placed: &Placed, style: Style) -> Result<Tensor> {
        let local = placed.read_shared(input, style.input)?;
        let bias = self.bias.as_ref().map(|bias| placed.sharded(bias));
        Ok(local.linear(&placed.sharded(&self.weight), bias.as_ref()))
    }

    fn rowwise(&self, input: &DTensor, placed: &Placed, style: Style) -> Result<DTensor> {
        let local = placed.read_chunk(input, style.input, Placement::Shard(-1))?;
        let local = local.linear(&self.weight.local(), None::<&Tensor>);
        let shape = self.output_shape(input);
        let sum = placed.give(local, Placement::Partial, &shape, style.output)?;
        let Some(bias) = &self.bias else {
            return Ok(sum);
        };
        // Added to the sum, not to the terms: once, not once per rank.
        let bias = placed.replicated(bias, style.output);
        sum.map("adding a bias", &shape, |local| local + bias)
    }

    /// The output's shape, in which a head counts for every rank that holds it.
    fn output_shape(&self, input: &DTensor) -> Vec<i64> {
        let features = match self.weight.partition() {
            Some((0, partition)) => partition.held(),
            _ => self.weight.shape()[0],
        };
        with_features(input.shape(), features)
    }
}

/// The shape of an activation with another number of features.
#[cfg(feature = "torch")]
fn with_features(shape: &[i64], features: i64) -> Vec<i64> {
    let mut shape = shape.to_vec();
    if let Some(last) = shape.last_mut() {
        *last = features;
    }
    shape
}
