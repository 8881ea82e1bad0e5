//! A fused layer's output, segment by segment.

use std::array;
use std::ops::Range;

use tch::Tensor;

use super::{Linear, with_features};
use crate::Result;
use crate::dtensor::DTensor;
use crate::model::ModelError;
use crate::module::Partition;
use crate::nn::Placed;
use crate::plan::{Placement, Reading, Style, StyleKind};

/// Segments cut out of one local tensor, which lie alike.
struct Cut {
    local: Tensor,
    placement: Placement,
    /// What this rank has of each, in `local`, and how long each is over all ranks.
    parts: Vec<(Range<i64>, i64)>,
}

impl Linear {
    /// Applies a fused layer, and gives each of its segments as a layer of its own would.
    ///
    /// Split by segments, each rank computes its own part of each. Split as one, as AutoModel splits
    /// fused layers, the ranks' chunks are gathered first, since a chunk may hold all of one segment
    /// and none of another.
    ///
    /// # Shapes
    /// `[.., in_features]` → `[.., features of the segment]` each
    ///
    /// # Errors
    /// As [`Self::forward`], and when the layer has another number of segments.
    pub fn forward_segments<const N: usize>(&self, input: &DTensor) -> Result<[DTensor; N]> {
        let placed = self.slot.get()?;
        let segments = self.weight.segments();
        if segments.len() != N {
            return Err(ModelError::SegmentCount {
                layer: placed.path.to_string(),
                found: segments.len(),
                asked: N,
            }
            .into());
        }
        let cut = match placed
            .style
            .filter(|style| style.kind == StyleKind::Colwise)
        {
            Some(style) if !style.segments.is_empty() => self.own_parts(input, placed, style)?,
            Some(style) if style.output == Placement::Shard(-1) => self.regrouped(input, placed)?,
            _ => self.cut_locally(input)?,
        };
        Ok(array::from_fn(|index| {
            let (range, length) = &cut.parts[index];
            let local = cut.local.narrow(-1, range.start, range.end - range.start);
            let shape = with_features(input.shape(), *length);
            DTensor::from_local(local, cut.placement, &shape, &placed.group, &placed.path)
        }))
    }

    /// The parts that this rank's columns are made of.
    fn own_parts(&self, input: &DTensor, placed: &Placed, style: Style) -> Result<Cut> {
        let (rank, ranks) = (placed.group.rank(), placed.group.size());
        let partition = self.weight.partition().into_iter();
        let own = partition.flat_map(|(_, partition)| partition.own(rank, ranks));
        let parts = own.map(|(range, division)| (range, division.held()));
        Ok(Cut {
            parts: parts.collect(),
            local: self.columns(input, placed, style)?,
            placement: Placement::Shard(-1),
        })
    }

    /// This rank's chunk of each segment, out of chunks of all of them together.
    fn regrouped(&self, input: &DTensor, placed: &Placed) -> Result<Cut> {
        let whole = self.forward(input)?;
        Ok(Cut {
            parts: self.chunks(placed.group.rank(), placed.group.size()),
            local: whole.read(Reading::FOR_A_SHARE, &placed.path)?,
            placement: Placement::Shard(-1),
        })
    }

    /// Whole segments of what every rank has all features of.
    fn cut_locally(&self, input: &DTensor) -> Result<Cut> {
        let whole = self.forward(input)?;
        Ok(Cut {
            parts: self.chunks(0, 1),
            local: whole.local()?,
            placement: whole.placement(),
        })
    }

    /// `rank`'s chunk of each segment in the whole output, and how long the segment is.
    fn chunks(&self, rank: usize, ranks: usize) -> Vec<(Range<i64>, i64)> {
        let segments = self.weight.segments().iter();
        let lengths = segments.map(|segment| segment.length);
        let partition = Partition::new(lengths.clone().map(|length| (length, 1)));
        let ranges = partition.ranges(rank, ranks).into_iter();
        ranges.zip(lengths).collect()
    }
}
