//! One forward of a layer on one rank: its input, its parameters and its output as its style has them.

use std::rc::Rc;

use tch::Tensor;

use super::context::Assignment;
use super::unread::is_unread;
use super::{Param, Sharding};
use crate::Result;
use crate::comm::ProcessGroup;
use crate::dropout::{Dropout, DropoutKey};
use crate::dtensor::{DTensor, PlacementError};
use tp_plan::{FEATURES, HeadShares, Makes, Placement, Reads, Style};

/// One forward of a layer on this rank.
///
/// The layer computes on local tensors; what its style makes of input, parameters and output, this
/// knows from the [rule](tp_plan::Rule) of the layer's kind.
pub struct ForwardPass<'a> {
    assignment: &'a Assignment,
    given: &'a DTensor,
    input: Tensor,
    /// How the input is placed as it was read.
    placement: Placement,
    /// The heads that its sharded dimension is made of.
    heads: Option<HeadShares>,
}

impl<'a> ForwardPass<'a> {
    /// Reads the input as the layer's rule says.
    pub(super) fn new(assignment: &'a Assignment, given: &'a DTensor) -> Result<Self> {
        let Assignment { rule, style, .. } = assignment;
        let (found, dimensions) = (given.placement(), given.shape().len());
        let expected = style.map_or(Placement::Replicate, |style| style.input);
        let reading = rule.reads.reading(found, expected, dimensions);
        let reading = reading.map_err(|expected| mismatch(assignment, given, expected))?;
        let heads = match rule.reads {
            Reads::Chunk(FEATURES) => assignment.heads(features(given.shape())),
            _ => given.heads(),
        };
        let input = given.read_heads(reading, heads, &assignment.path)?;
        #[cfg(feature = "testing")]
        super::recording::reads(&assignment.path, &input);
        Ok(Self {
            assignment,
            given,
            input,
            placement: reading.to,
            heads,
        })
    }

    /// The input as this rank reads it.
    pub fn input(&self) -> &Tensor {
        &self.input
    }

    /// How the input is placed as it is read.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The shape of the whole input.
    pub fn shape(&self) -> &[i64] {
        self.given.shape()
    }

    /// The layer's style; `None` for a layer without one.
    pub fn style(&self) -> Option<Style> {
        self.assignment.style
    }

    /// The tensor-parallel ranks.
    pub fn group(&self) -> &ProcessGroup {
        &self.assignment.group
    }

    /// The layer's path, which names its collectives.
    pub fn path(&self) -> &Rc<str> {
        &self.assignment.path
    }

    /// How what the layer computes is placed, before it is redistributed to what its row promises.
    pub fn makes(&self) -> Placement {
        match self.assignment.rule.makes {
            Makes::AsRead => self.placement,
            Makes::Placed(placement) => placement,
        }
    }

    /// This rank's part of one of the layer's parameters, with a backward that sums the gradient
    /// where several ranks each find a term of it.
    ///
    /// # Errors
    /// When the layer does not list the parameter.
    pub fn parameter(&self, param: &Param) -> Result<Tensor> {
        let leaf = self.assignment.leaf(param)?;
        let met = (self.assignment.rule).meets(leaf, self.placement, self.promised());
        self.assignment.parameter(param, met)
    }

    /// The input as this rank reads it, less what `dropout` drops of it for this layer in training.
    ///
    /// # Errors
    /// When the input has other dimensions than `[batch, sequence, features]`.
    pub(crate) fn drop_input(&self, dropout: Dropout) -> Result<Tensor> {
        let input = self.input.shallow_clone();
        let key = DropoutKey::current();
        let Some(key) = dropout.key(key.as_ref()) else {
            return Ok(input);
        };
        // Masks go by who made what they are for; others may go by what this layer makes.
        let site = Rc::from(format!("the input of {}", self.path()));
        let (shape, group) = (self.shape(), self.group());
        let read = DTensor::from_heads(input, self.placement, self.heads, shape, group, &site)?;
        dropout.apply(&read, Some(key))?.local()
    }

    /// How the ranks hold one of the layer's parameters.
    ///
    /// # Errors
    /// When the layer does not list the parameter.
    pub fn sharding(&self, param: &Param) -> Result<&Sharding> {
        self.assignment.sharding(param)
    }

    /// The layer's output: what this rank computed, redistributed to what the layer's row promises.
    ///
    /// # Shapes
    /// The whole output has the input's shape with so many `features` in its last dimension; `local`
    /// is this rank's part of it, placed as [`Self::makes`] says.
    ///
    /// # Errors
    /// When `local` has another shape, or a collective fails.
    pub fn give(&self, local: Tensor, features: i64) -> Result<DTensor> {
        let mut shape = self.shape().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = features;
        }
        self.give_shaped(local, &shape)
    }

    /// The layer's output, as [`Self::give`], of another shape than the input.
    ///
    /// # Shapes
    /// `shape` is that of the whole output.
    ///
    /// # Errors
    /// When `local` has another shape, or a collective fails.
    pub fn give_shaped(&self, local: Tensor, shape: &[i64]) -> Result<DTensor> {
        #[cfg(feature = "testing")]
        let local = super::recording::gives(self.path(), local);
        let (makes, group) = (self.makes(), self.group());
        let heads = match (self.assignment.rule.makes, makes) {
            (Makes::AsRead, Placement::Shard(_)) => self.heads,
            (_, FEATURES) => self.assignment.heads(features(shape)),
            _ => None,
        };
        let made = DTensor::from_heads(local, makes, heads, shape, group, self.path())?;
        match is_unread(self.path()) {
            true => made.redistribute_unread(self.promised()),
            false => made.redistribute(self.promised()),
        }
    }

    /// The error for an input that is not placed as the layer needs it.
    pub(crate) fn refuse(&self, expected: Placement) -> crate::Error {
        mismatch(self.assignment, self.given, expected)
    }

    /// How the layer's row says the output is placed.
    fn promised(&self) -> Placement {
        self.style().map_or(self.makes(), |style| style.output)
    }
}

/// The last length of a shape.
fn features(shape: &[i64]) -> i64 {
    shape.last().copied().unwrap_or(0)
}

fn mismatch(assignment: &Assignment, given: &DTensor, expected: Placement) -> crate::Error {
    PlacementError::Input {
        reader: assignment.site(),
        expected,
        producer: given.producer().to_string(),
        found: given.placement(),
    }
    .into()
}
