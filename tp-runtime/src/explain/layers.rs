//! What one layer reads and gives: the rule of its style, followed on placements.

use super::activations::{ActivationId, Activations, DIMENSIONS};
use super::autograd;
use super::view::Features;
use crate::Result;
use crate::module::{Layer, Param, Segment, Sharding};
use crate::plan::{
    FEATURES, Makes, ModuleKind, Placement, PlacementError, Reading, Reads, ResolvedLayer,
};

/// A layer and what the plan makes of it.
pub(super) struct StyledLayer<'a> {
    pub(super) layer: &'a dyn Layer,
    pub(super) resolved: &'a ResolvedLayer,
}

impl StyledLayer<'_> {
    /// The layer's output for `input`.
    pub(super) fn forward(
        &self,
        activations: &mut Activations,
        input: ActivationId,
    ) -> Result<ActivationId> {
        let rule = self.resolved.rule;
        if rule.reads == Reads::Aside {
            return Ok(input);
        }
        let parameters = self.layer.parameters();
        activations.record(
            input,
            parameters.iter().any(|(_, param)| !param.is_frozen()),
        );
        let read = self.read(activations, input)?;
        autograd::save(activations, self, input, read);
        let made = match rule.makes {
            Makes::AsRead => read,
            Makes::Placed(made) => made,
        };
        let promised = self.resolved.style.map_or(made, |style| style.output);
        let read_features = activations.features(input);
        let features = match self.layer.output_features(read_features.count) {
            count if count == read_features.count && rule.makes == Makes::AsRead => read_features,
            count => Features::plain(count),
        };
        let output = self.give(activations, made, promised, features)?;
        if self.is_of_heads(activations.features(input)) {
            let projections = activations.projections(input).to_vec();
            activations.set_projections(output, projections);
        }
        self.sum_gradients(activations, read, promised);
        match self.is_by_segments() {
            true => Ok(output),
            false => self.first_segment(activations, output),
        }
    }

    /// Whether each segment of a fused layer is split by itself.
    fn is_by_segments(&self) -> bool {
        (self.resolved.style).is_some_and(|style| !style.segments.is_empty())
    }

    /// Reads the input as the rule says, and gives how it is placed then.
    fn read(&self, activations: &mut Activations, input: ActivationId) -> Result<Placement> {
        let rule = self.resolved.rule;
        if rule.reads == Reads::Ids {
            return Ok(Placement::Replicate);
        }
        let found = activations.placement(input);
        let expected = self
            .resolved
            .style
            .map_or(Placement::Replicate, |style| style.input);
        let dimensions = DIMENSIONS + usize::from(self.is_of_heads(activations.features(input)));
        let reading = rule.reads.reading(found, expected, dimensions);
        let reading = reading
            .map_err(|expected| self.mismatch(found, expected, activations.producer(input)))?;
        activations.read(input, reading, self.path(), "input")?;
        Ok(reading.to)
    }

    /// What the layer makes: all of it, or the first segment where it is split by segments.
    fn give(
        &self,
        activations: &mut Activations,
        made: Placement,
        promised: Placement,
        features: Features,
    ) -> Result<ActivationId> {
        let weight = self.resolved.parameters.first();
        let divisions = match weight.and_then(|(_, sharding)| sharding.split()) {
            Some((0, partition)) if made == FEATURES => partition.divisions(),
            _ => {
                let output = activations.give(made, promised, features, self.path())?;
                if self.layer.kind() == ModuleKind::Linear {
                    activations.set_projections(output, vec![features]);
                }
                return Ok(output);
            }
        };
        let segments: Vec<Features> = divisions.iter().map(Features::of).collect();
        let output = match (&segments[..], self.is_by_segments()) {
            ([first, ..], true) => activations.give(made, made, *first, self.path())?,
            ([one], false) => activations.give(made, promised, *one, self.path())?,
            _ => activations.give(made, promised, features, self.path())?,
        };
        activations.set_projections(output, segments);
        Ok(output)
    }

    /// The first segment of a fused layer's output; the output itself of any other layer.
    ///
    /// Chunks of all segments together are gathered, so that each rank has a chunk of each.
    fn first_segment(
        &self,
        activations: &mut Activations,
        output: ActivationId,
    ) -> Result<ActivationId> {
        let segments = self.parameter("weight").map_or(&[][..], Param::segments);
        if segments.is_empty() {
            return Ok(output);
        }
        let placement = activations.placement(output);
        if placement == FEATURES.normalized(DIMENSIONS) {
            activations.read(output, Reading::FOR_A_SHARE, self.path(), "output")?;
        } else {
            activations.local(output)?;
        }
        let segments = Segment::partition(segments);
        let segments: Vec<Features> = segments.divisions().iter().map(Features::of).collect();
        let first = activations.give(placement, placement, segments[0], self.path())?;
        activations.set_projections(first, segments);
        Ok(first)
    }

    /// Whether this is a norm of the width of a head, so that it works on each head by itself.
    fn is_of_heads(&self, Features { count, heads }: Features) -> bool {
        let width = self
            .parameter("weight")
            .map_or(0, |weight| weight.shape()[0]);
        // One head is as wide as all there are.
        let is_one_head = heads.is_some_and(|heads| heads.count == 1 && width == count);
        self.layer.kind() == ModuleKind::Norm && (is_one_head || (1..count).contains(&width))
    }

    fn mismatch(&self, found: Placement, expected: Placement, producer: &str) -> crate::Error {
        let reader = match self.resolved.style {
            Some(style) => format!("{} ({})", self.path(), style.kind.name()),
            None => self.path().to_owned(),
        };
        let producer = producer.to_owned();
        PlacementError::Input {
            reader,
            expected,
            producer,
            found,
        }
        .into()
    }

    /// The sums of gradients in the backward: of replicated parameters that meet a share of the
    /// activations, and of parts that several ranks hold.
    fn sum_gradients(&self, activations: &mut Activations, read: Placement, promised: Placement) {
        let parameters = self.layer.parameters().into_iter();
        let parameters = parameters.zip(&self.resolved.parameters);
        for ((leaf, param), (_, sharding)) in
            parameters.filter(|((_, param), _)| !param.is_frozen())
        {
            let met = self.resolved.rule.meets(leaf, read, promised);
            match sharding {
                Sharding::Replicated if met == Placement::Replicate => {}
                Sharding::Replicated => {
                    activations.sum_gradient(param.shape(), self.path(), leaf);
                }
                Sharding::Split { dim, partition } => {
                    let (rank, ranks) = (activations.view.rank, activations.ranks());
                    for part in partition.shared(rank, ranks) {
                        let mut shape = param.shape().to_vec();
                        shape[*dim] = part.length();
                        activations.sum_gradient(&shape, self.path(), leaf);
                    }
                }
            }
        }
    }

    fn path(&self) -> &str {
        self.resolved.path.as_str()
    }

    pub(super) fn parameter(&self, leaf: &str) -> Option<&Param> {
        let parameters = self.layer.parameters();
        let named = parameters.into_iter().find(|(name, _)| *name == leaf);
        named.map(|(_, param)| param)
    }
}
