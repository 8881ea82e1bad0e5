//! A fused layer's output, segment by segment.

use std::array;
use std::ops::Range;

use tch::Tensor;

use super::{Linear, is_in_segments};
use crate::Result;
use crate::dtensor::DTensor;
use crate::module::{Division, ForwardPass, LayerError, Segment};
use tp_plan::{FEATURES, Placement, Reading};

/// Segments cut out of one local tensor, which are placed alike.
struct Cut {
    local: Tensor,
    placement: Placement,
    /// What this rank has of each, in `local`, and how the ranks divide it.
    parts: Vec<(Range<i64>, Division)>,
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
        self.context.forward(input, |pass| {
            let segments = self.weight.segments();
            if segments.len() != N {
                return Err(LayerError::SegmentCount {
                    layer: pass.path().to_string(),
                    found: segments.len(),
                    asked: N,
                }
                .into());
            }
            let Cut {
                local,
                placement,
                parts,
            } = self.cut(pass)?;
            let mut shape = input.shape().to_vec();
            let segments = parts.into_iter().map(|(range, division)| {
                if let Some(features) = shape.last_mut() {
                    *features = division.length;
                }
                let local = local.f_narrow(-1, range.start, range.end - range.start)?;
                let (heads, group) = (division.heads, pass.group());
                DTensor::from_heads(local, placement, heads, &shape, group, pass.path())
            });
            let segments: Vec<DTensor> = segments.collect::<Result<_>>()?;
            Ok(array::from_fn(|index| segments[index].clone()))
        })
    }

    fn cut(&self, pass: &ForwardPass<'_>) -> Result<Cut> {
        let (rank, ranks) = (pass.group().rank(), pass.group().size());
        if is_in_segments(pass) {
            let split = pass.sharding(&self.weight)?.split();
            return Ok(Cut {
                parts: split.map_or(Vec::new(), |(_, partition)| partition.own(rank, ranks)),
                local: self.local(pass)?,
                placement: pass.makes(),
            });
        }
        let whole = self.output(pass)?;
        let placement = whole.placement();
        if placement != FEATURES.normalized(whole.shape().len()) {
            // Whole segments of what every rank has all features of.
            return Ok(Cut {
                parts: self.parts(0, 1),
                local: whole.local()?,
                placement,
            });
        }
        // This rank's chunk of each segment, out of chunks of all of them together.
        Ok(Cut {
            parts: self.parts(rank, ranks),
            local: whole.read(Reading::FOR_A_SHARE, pass.path())?,
            placement,
        })
    }

    /// `rank`'s part of each segment in the whole output.
    fn parts(&self, rank: usize, ranks: usize) -> Vec<(Range<i64>, Division)> {
        let partition = Segment::partition(self.weight.segments());
        let ranges = partition.ranges(rank, ranks).into_iter();
        ranges.zip(partition.divisions().iter().copied()).collect()
    }
}
