//! What one layer reads and gives under its style: the rules of `nn`, on placements.

use super::activations::{Activations, DIMENSIONS, FEATURES, Value};
use crate::Result;
use crate::module::{Division, Layer, Param};
use crate::plan::{ModuleKind, Placement, PlacementError, Style, StyleKind};

/// A layer and where it stands.
pub(super) struct Site<'a> {
    pub(super) path: &'a str,
    pub(super) style: Option<Style>,
    pub(super) layer: &'a dyn Layer,
}

impl Site<'_> {
    /// The layer's output for `input`.
    pub(super) fn forward(&self, activations: &mut Activations, input: Value) -> Result<Value> {
        match self.layer.kind() {
            ModuleKind::Embedding => self.embedding(activations),
            ModuleKind::Linear => self.linear(activations, input),
            ModuleKind::Norm => self.norm(activations, input),
            // They reach the activations beside the flow.
            ModuleKind::Rotary
            | ModuleKind::Container
            | ModuleKind::Convolution
            | ModuleKind::Parameter => Ok(input),
        }
    }

    fn embedding(&self, activations: &mut Activations) -> Result<Value> {
        let width = self.size("weight", 1);
        let (made, promised) = match self.style {
            None => (Placement::Replicate, Placement::Replicate),
            Some(style) => match style.kind {
                StyleKind::Colwise => (FEATURES, style.output),
                _ => (Placement::Partial, style.output),
            },
        };
        activations.give(made, promised, width, self.path)
    }

    fn linear(&self, activations: &mut Activations, input: Value) -> Result<Value> {
        let features = self.size("weight", 0);
        let Some(style) = self.style else {
            self.read_rows(activations, input)?;
            let placement = activations.placement(input);
            self.replicated(activations, "weight", placement);
            self.replicated(activations, "bias", placement);
            let output = activations.give(placement, placement, features, self.path)?;
            return self.first_segment(activations, output);
        };
        if style.kind == StyleKind::Colwise {
            self.read_shared(activations, input, style.input)?;
            self.sharers(activations);
            return self.columns(activations, style);
        }
        self.read_chunk(activations, input, style.input, FEATURES)?;
        let sum = activations.give(Placement::Partial, style.output, features, self.path)?;
        self.replicated(activations, "bias", style.output);
        self.first_segment(activations, sum)
    }

    /// What columns make: all of it, or the first segment where they are split by segments.
    fn columns(&self, activations: &mut Activations, style: Style) -> Result<Value> {
        let divisions = match self.parameter("weight").and_then(Param::partition) {
            Some((_, partition)) => partition.divisions().to_vec(),
            None => Vec::new(),
        };
        let held: Vec<i64> = divisions.iter().map(Division::held).collect();
        match (&held[..], style.segments) {
            ([first, ..], [_, ..]) => activations.give(FEATURES, FEATURES, *first, self.path),
            _ => {
                let output =
                    activations.give(FEATURES, style.output, held.iter().sum(), self.path)?;
                self.first_segment(activations, output)
            }
        }
    }

    /// The first segment of a fused layer's output; the output itself of any other layer.
    ///
    /// Chunks of all segments together are gathered, so that each rank has a chunk of each.
    fn first_segment(&self, activations: &mut Activations, output: Value) -> Result<Value> {
        let segments = self.parameter("weight").map_or(&[][..], Param::segments);
        let Some(first) = segments.first() else {
            return Ok(output);
        };
        let placement = activations.placement(output);
        if placement == FEATURES {
            let (to, gradient) = (Placement::Replicate, Placement::Partial);
            activations.read(output, to, gradient, self.path, "output")?;
        } else {
            activations.local(output)?;
        }
        activations.give(placement, placement, first.length, self.path)
    }

    fn norm(&self, activations: &mut Activations, input: Value) -> Result<Value> {
        let (made, promised) = match self.style {
            None => {
                if self.is_of_heads(activations.features(input)) {
                    self.read_heads(activations, input)?;
                } else {
                    self.read_rows(activations, input)?;
                }
                let placement = activations.placement(input);
                (placement, placement)
            }
            Some(style) => {
                self.read_chunk(activations, input, style.input, style.input)?;
                (style.input, style.output)
            }
        };
        self.replicated(activations, "weight", made);
        self.replicated(activations, "bias", made);
        activations.give(made, promised, activations.features(input), self.path)
    }

    /// Whether a norm is narrower than its input, so that it works on each head by itself.
    fn is_of_heads(&self, features: i64) -> bool {
        (1..features).contains(&self.size("weight", 0))
    }

    /// The whole input, for a share of the output: the gradient is a term of a sum.
    fn read_shared(
        &self,
        activations: &mut Activations,
        input: Value,
        expected: Placement,
    ) -> Result<()> {
        let found = activations.placement(input);
        if !matches!(found, Placement::Replicate | Placement::Shard(1)) {
            self.expect(activations, input, expected)?;
        }
        let (to, gradient) = (Placement::Replicate, Placement::Partial);
        activations.read(input, to, gradient, self.path, "input")
    }

    /// A chunk of dimension `to` of the input.
    fn read_chunk(
        &self,
        activations: &mut Activations,
        input: Value,
        expected: Placement,
        to: Placement,
    ) -> Result<()> {
        self.expect(activations, input, expected)?;
        activations.read(input, to, Placement::Replicate, self.path, "input")
    }

    /// All features of the input, whole or of a share of rows.
    fn read_rows(&self, activations: &mut Activations, input: Value) -> Result<()> {
        let found = activations.placement(input);
        if found == Placement::Partial || found == FEATURES {
            return Err(self.mismatch(activations, input, Placement::Replicate));
        }
        activations.local(input)
    }

    /// Heads of the input, whichever this rank holds: a shard of the features cuts none.
    fn read_heads(&self, activations: &mut Activations, input: Value) -> Result<()> {
        match activations.placement(input) {
            Placement::Partial => Err(self.mismatch(activations, input, Placement::Replicate)),
            _ => activations.local(input),
        }
    }

    fn expect(&self, activations: &Activations, input: Value, expected: Placement) -> Result<()> {
        if activations.placement(input) == expected.normalized(DIMENSIONS) {
            return Ok(());
        }
        Err(self.mismatch(activations, input, expected))
    }

    fn mismatch(
        &self,
        activations: &Activations,
        input: Value,
        expected: Placement,
    ) -> crate::Error {
        let reader = match self.style {
            Some(style) => format!("{} ({})", self.path, style.kind.name()),
            None => self.path.to_owned(),
        };
        PlacementError::Input {
            reader,
            expected,
            producer: activations.producer(input).to_owned(),
            found: activations.placement(input),
        }
        .into()
    }

    /// The replicated parameter `leaf`, if there is one, on activations placed `placement`.
    fn replicated(&self, activations: &mut Activations, leaf: &str, placement: Placement) {
        if placement == Placement::Replicate {
            return;
        }
        for (name, param) in self.layer.parameters() {
            if name == leaf {
                activations.sum_gradient(param.shape(), self.path, name);
            }
        }
    }

    /// The parts of parameters that several ranks hold, each with a term of their gradients.
    fn sharers(&self, activations: &mut Activations) {
        for (name, param) in self.layer.parameters() {
            let Some((dim, partition)) = param.partition() else {
                continue;
            };
            for (range, _) in partition.shared(0, activations.ranks()) {
                let mut shape = param.shape().to_vec();
                shape[dim] = range.end - range.start;
                activations.sum_gradient(&shape, self.path, name);
            }
        }
    }

    fn parameter(&self, leaf: &str) -> Option<&Param> {
        let parameters = self.layer.parameters();
        let named = parameters.into_iter().find(|(name, _)| *name == leaf);
        named.map(|(_, param)| param)
    }

    /// A dimension of the parameter `leaf`, which every layer of this kind has.
    fn size(&self, leaf: &str, dim: usize) -> i64 {
        self.parameter(leaf).map_or(0, |param| param.shape()[dim])
    }
}
